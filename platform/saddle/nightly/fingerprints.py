"""What a night runs with: its code, and the kind of machine that its numbers are exact on."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from saddle.execute.fingerprint import checksum_sources, fingerprint_environment
from saddle.nightly.decision.night import Code, Environment
from saddle.nightly.git import Repository, find_repository
from saddle.study.models import Study
from saddle.study.trainable.loading import LoadedTrainable
from saddle.trial.record import TrialRecord

SOURCES = "sources-"
"""Prefix of the identifier that replaces a commit if the code is not a checkout."""

OF_DATA = ("dataset", "data")
"""The fingerprints of a trial that say what it was trained on."""


def repository_of(trainable: LoadedTrainable) -> Repository | None:
    """The repository that a trainable was imported from."""
    file = getattr(trainable.code, "__file__", None)
    return None if file is None else find_repository([Path(file)])


def code_of(trainable: LoadedTrainable, repository: Repository | None) -> Code:
    """The present code: of a repository what is checked out, else the checksum of the trainable's files."""
    if repository is not None:
        return repository.code
    file = getattr(trainable.code, "__file__", __file__)
    return Code(f"{SOURCES}{checksum_sources(Path(file).parent)}")


def code_id(code: Code) -> str:
    """The name of a code in file names: no two codes have the same."""
    return f"{code.commit}-{code.dirty}" if code.dirty else code.commit


def is_sources(code: Code) -> bool:
    """Whether the code is known by its checksum only, so that no other is available."""
    return code.commit.startswith(SOURCES)


def environment_now(study: Study, code: Code) -> Environment:
    """What a night would run with; which data, its trials say."""
    versions = hashlib.sha256(json.dumps(fingerprint_environment(), sort_keys=True).encode()).hexdigest()[:16]
    machine = study.nightly.machine if study.nightly is not None else None
    return Environment(code, "", versions, machine or machine_type())


def machine_type() -> str:
    """The processor's model, on which the last digits of sums depend, and the architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{models[0] if models else platform.processor() or 'unknown'} ({platform.machine()})"


def fingerprint_of_data(records: Iterable[TrialRecord]) -> str:
    """What the trials were trained on; of several datasets a checksum of all of them."""
    combinations: set[tuple[Any, ...]] = {
        tuple(record.fingerprints.get(name) for name in OF_DATA) for record in records
    }
    texts = sorted({"/".join(map(str, each)) for each in combinations if any(each)})
    return texts[0] if len(texts) == 1 else hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16] if texts else ""
