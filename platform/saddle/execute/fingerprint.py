"""What a result depends on in addition to its configuration: data, code and environment."""

from __future__ import annotations

import hashlib
import platform
import subprocess
from collections.abc import Collection
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

import trainables
from saddle.study.trainable.loading import LoadedTrainable, find_trainables
from trainables.datasets.config import dataset_of

PACKAGES = ("saddle", "torch", "torchvision", "numpy", "optuna", "ray", "mlflow", "scikit-learn")


def fingerprint_data(config: Any, run: Any) -> dict[str, Any]:
    """The checksum of the dataset a configuration names; nothing if it names none."""
    if getattr(config, "dataset", None) is None:
        return {}
    dataset = run.data(dataset_of(config))
    return {"dataset": str(dataset.name), "data": str(dataset.fingerprint), "classes": len(dataset.classes)}


def fingerprint_code(trainable: LoadedTrainable) -> dict[str, Any]:
    """Git's commit and the checksum of uncommitted changes where the code is a checkout; always that of the sources."""
    where = Path(__file__).resolve()
    facts: dict[str, Any] = fingerprint_sources(trainable)
    commit = _git(where.parent, "rev-parse", "HEAD")
    # an installed copy may be inside somebody else's checkout, whose commit doesn't identify our code
    if commit is not None and _git(where.parent, "ls-files", "--error-unmatch", where.name) is not None:
        changes = uncommitted_changes()
        facts["commit"] = commit.strip()
        facts["dirty"] = hashlib.sha256(changes.encode()).hexdigest()[:16] if changes else ""
    return facts


def fingerprint_sources(trainable: LoadedTrainable) -> dict[str, Any]:
    """The checksum of the trainable's sources; of an installed one also that of what trainables share (`library`)."""
    if trainable.sources:
        return {"sources": trainable.sources}
    folder = Path(getattr(trainable.code, "__file__", __file__)).resolve().parent
    return {"sources": checksum_sources(folder), "library": checksum_library()}


def checksum_of_code(trainable: LoadedTrainable) -> str:
    """One text for the code that a trainable runs: its sources, and the version of torch."""
    return f"{sorted(fingerprint_sources(trainable).items())} torch {metadata.version('torch')}"


@lru_cache(maxsize=1)
def checksum_library() -> str:
    """The checksum of the package `trainables` without the trainables themselves."""
    values = (point.value.partition(":")[0].split(".") for point in find_trainables().values())
    own = {parts[1] for parts in values if parts[0] == trainables.__name__ and len(parts) > 1}
    return checksum_sources(Path(trainables.__file__).resolve().parent, own)


def uncommitted_changes() -> str:
    """Git's diff of saddle's checkout against its commit; empty if there is none."""
    return (_git(Path(__file__).resolve().parents[3], "diff", "HEAD") or "").strip()


def checksum_sources(folder: Path, without: Collection[str] = ()) -> str:
    """The checksum of every Python file below `folder`, but for its subfolders `without`."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        if path.relative_to(folder).parts[0] in without:
            continue
        digest.update(str(path.relative_to(folder)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _git(folder: Path, *arguments: str) -> str | None:
    """What git says in `folder`, or None if there is no checkout of ours or no git."""
    try:
        process = subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=20, check=True, errors="replace"
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return process.stdout


def fingerprint_environment() -> dict[str, Any]:
    """Interpreter, machine and the versions of the packages that matter."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return {"python": platform.python_version(), "machine": platform.machine(), "system": platform.system(), **versions}
