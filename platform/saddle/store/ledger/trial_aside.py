"""A finished trial copied to a separate folder, so that it can be run again under the same key."""

from __future__ import annotations

import time

from saddle.store.base import Store
from saddle.store.ledger.ledger import Ledger
from saddle.store.open import study_folder, trial_folder
from saddle.store.ownership.fence import StudyLock
from saddle.store.run_files.checks import checks_path
from saddle.trial.run_id import RunId


def set_trial_aside(store: Store, run: RunId, key: str, lock: StudyLock) -> str:
    """Copy the record, the checklist and the files of a trial to a separate folder, which is returned.

    Copied, and not moved: the manifest of its checkpoints stays, which counts attempts on, so that no orphan is taken
    for a new one. Raises `TakenOver`.
    """
    lock.check()
    aside = f"{study_folder(run)}/set-aside/{time.strftime('%Y%m%dT%H%M%S')}-{key}"
    for path in _files_of(store, trial_folder(run, key)):
        store.write(f"{aside}/{path.removeprefix(trial_folder(run, key) + '/')}", store.read(path))
    if store.exists(checks_path(run, key)):
        store.write(f"{aside}/checks.json", store.read(checks_path(run, key)))
    # last, so that a folder with a record is whole
    store.write(f"{aside}/record.parquet", store.read(Ledger(store, run).path(key)))
    return aside


def _files_of(store: Store, folder: str) -> list[str]:
    """Every blob below a folder."""
    blobs = set(store.etags(folder))
    paths: list[str] = []
    for name in store.names(folder):
        paths += [f"{folder}/{name}"] if name in blobs else _files_of(store, f"{folder}/{name}")
    return paths
