"""From what a user writes to a store, and where things lie in it."""

from __future__ import annotations

import os
from pathlib import Path

from saddle.store.base import StorageError, Store
from saddle.store.local import LocalStore, prepare_folder

DEFAULT_STORAGE = "runs"


def open_store(storage: str | os.PathLike[str] | None = None, *, create: bool = True) -> Store:
    """The store at `storage`, else `SADDLE_STORAGE`, else `runs/` here.

    Raises `StorageError` where it can't be written, or is of a kind that isn't there yet.
    """
    where = os.fspath(storage or os.environ.get("SADDLE_STORAGE") or DEFAULT_STORAGE)
    if "://" in where:
        raise StorageError(f"the storage {where!r} is not there yet: only local folders are, such as --storage runs")
    return prepare_folder(Path(where)) if create else LocalStore(Path(where).resolve())


def study_folder(study: str) -> str:
    """Where everything of one study lies."""
    return f"studies/{study}"


def trial_folder(study: str, key: str) -> str:
    """Where checkpoints, arrays and images of one trial lie."""
    return f"{study_folder(study)}/trials/{key}"
