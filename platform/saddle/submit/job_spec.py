"""What a cluster is sent to run a study: the resolved file, the command, wheels, and harmless variables."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from saddle.cluster.connection import INSTALLED_ONCE, QUIET
from saddle.cluster.packages.environment import is_secret, to_send
from saddle.cluster.packages.user_packages import build_wheels
from saddle.cluster.packages.wheel import DISTRIBUTION
from saddle.errors import NotForACluster, StorageError
from saddle.execute.plan.preflight import check_stored, configs, own_paths
from saddle.store.open import open_store
from saddle.study.models import Study
from saddle.study.trainable.loading import find_trainables
from saddle.study.trainable.own_sources import read_sources
from saddle.studyfile.loader import dump_study, load_studies, parse_studies, plain_study

STOP_SECONDS = 600
"""How long a stopped job may take for the current epochs before Ray kills it; by itself Ray would wait 3 s."""


@dataclass(frozen=True)
class Parcel:
    """The studies of one file on their way to a cluster."""

    studies: Sequence[Study]
    storage: str
    fresh: bool
    options: Sequence[str]
    packages: Sequence[str]
    variables: dict[str, str]

    @property
    def names(self) -> list[str]:
        return [study.study for study in self.studies]

    @property
    def file(self) -> str:
        """The study file's name in the folder that the command runs in."""
        return f"{self.names[0]}.yaml"

    @property
    def command(self) -> str:
        """What runs the studies on the cluster; `exec`, so that a signal and the exit code are its own."""
        return "exec python -m saddle.cli " + shlex.join(["run", self.file, "--storage", self.storage, *self.options])

    def runtime_environment(self, folder: Path) -> dict[str, Any]:
        """Ray's runtime environment; its files are made in `folder`.

        The job's own folder holds the study file and, next to it, the sources of a trainable that is a file.
        """
        files = folder / "study"
        files.mkdir()
        (files / self.file).write_text(resolved(self.studies), encoding="utf-8")
        for path, content in own_sources(self.studies).items():
            (files / path).parent.mkdir(parents=True, exist_ok=True)
            (files / path).write_bytes(content)
        return {
            "working_dir": str(files),
            "py_modules": [str(wheel) for wheel in build_wheels(self.packages, folder)],
            "config": INSTALLED_ONCE,
            "env_vars": {**QUIET, "RAY_JOB_STOP_WAIT_TIME_S": str(STOP_SECONDS), **self.variables},
        }


def pack(
    study: str,
    settings: Sequence[str],
    storage: str | os.PathLike[str] | None,
    *,
    data_root: str | os.PathLike[str] | None = None,
    packages: Sequence[str] = (),
    fresh: bool = False,
    retry: Sequence[str] = (),
    again: Sequence[str] = (),
    accept_changes: bool = False,
    track: bool = True,
    check: bool = True,
) -> Parcel:
    """The parcel of a study file; raises `UserError` for what can be known to fail there (see also `check_here`)."""
    studies = load_studies(study, settings)
    where = require_remote(storage)
    check_paths(studies, data_root)
    own_sources(studies)
    options = [f"--retry={outcome}" for outcome in retry]
    options += [f"--again={trial}" for trial in again]
    options += [] if data_root is None else ["--data-root", os.fspath(data_root)]
    switches = {"--fresh": fresh, "--accept-changes": accept_changes, "--no-mlflow": not track, "--no-check": not check}
    options += [name for name, is_set in switches.items() if is_set]
    return Parcel(studies, where, fresh, options, packages, to_send())


def own_sources(studies: Sequence[Study]) -> dict[str, bytes]:
    """The sources of the studies' trainables that are files, by their paths relative to the study file.

    Raises `NotForACluster` if they are in several folders.
    """
    folders = sorted({study.source.folder for study in studies if study.source.is_own})
    if len(folders) > 1:
        listed = " and ".join(folders)
        raise NotForACluster(f"the trainables of this file are in {listed}; write a study file for each folder")
    sources: dict[str, bytes] = {}
    for study in studies:
        if study.source.is_own:
            sources |= read_sources(Path(study.source.folder), study.source.suffixes)
    return sources


def require_remote(storage: str | os.PathLike[str] | None) -> str:
    """The storage as the cluster understands it; raises `NotForACluster` for a path relative to here."""
    where = os.fspath(storage or os.environ.get("SADDLE_STORAGE") or "")
    if is_secret("storage", where):
        raise NotForACluster("the storage's address holds a password; give the cluster's nodes credentials instead")
    if "://" in where or Path(where).is_absolute():
        return where
    named = f"--storage {where} is in a local folder" if where else "the storage would be the local folder runs/"
    raise NotForACluster(
        f"{named}, which the cluster can't reach: use --storage s3://BUCKET/PREFIX, or the absolute path of a folder "
        "that all its nodes share"
    )


def check_paths(studies: Sequence[Study], data_root: str | os.PathLike[str] | None) -> None:
    """Raise `NotForACluster` where data are named by a path relative to here."""
    right = "write the absolute path that it has on every node of the cluster"
    if data_root is not None and "://" not in os.fspath(data_root) and not Path(data_root).is_absolute():
        raise NotForACluster(f"--data-root {os.fspath(data_root)} is a local folder; {right}")
    for study in studies:
        for path in {path for config in configs(study) for path in own_paths(getattr(config, "dataset", None))}:
            if "://" not in path and not Path(path).is_absolute():
                raise NotForACluster(f"{study.study}: the dataset's {path} is in a local folder; {right}")


def check_here(parcel: Parcel) -> None:
    """Raise what running the studies would raise, where their storage can be read from this machine."""
    try:
        store = open_store(parcel.storage, create=False)
        store.exists("studies")
    except (StorageError, OSError):
        return  # the cluster may reach what this machine does not
    check_stored(parcel.studies, store, fresh=parcel.fresh)


def resolved(studies: Sequence[Study]) -> str:
    """One file of the studies, every setting written out."""
    text = "---\ninherit: false\n".join(dump_study(study) for study in studies)
    folders = [Path(study.source.folder) for study in studies if study.source.is_own]
    reread = parse_studies(text, "the resolved file", folder=folders[0] if folders else None)
    if list(map(plain_study, reread)) != list(map(plain_study, studies)):
        raise RuntimeError("the studies written differ from the studies read")
    return text


def foreign_trainables(studies: Sequence[Study]) -> dict[str, str]:
    """The studies' trainables that don't come with saddle, and the distribution of each."""
    points = find_trainables()
    names = {study.source.name: points[study.source.name].dist for study in studies if not study.source.is_own}
    return {name: dist.name for name, dist in names.items() if dist is not None and dist.name != DISTRIBUTION}
