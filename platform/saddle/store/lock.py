"""One driver per study: an flock that dies with its holder."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from saddle.store.base import StorageError, Store
from saddle.store.opening import study_folder


@contextlib.contextmanager
def hold_study(store: Store, study: str) -> Iterator[None]:
    """Be the one driver of a study; raises `StorageError` naming the process that is it already."""
    with hold_lock(lock_path(store, study)):
        yield


def driver_of(store: Store, study: str) -> int | None:
    """The process on this machine that runs the study, or None."""
    return holder(lock_path(store, study))


def lock_path(store: Store, study: str) -> Path:
    """Where this machine's lock of a study lies."""
    return store.local / f"{study_folder(study)}.lock"


@contextlib.contextmanager
def hold_lock(path: Path) -> Iterator[None]:
    """Hold the lock at `path`; raises `StorageError` naming the process that holds it already."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        if not _take(file):
            file.seek(0)
            study = path.stem
            raise StorageError(
                f"another driver (process {file.read().strip() or 'unknown'}) is running {study}; watch it with "
                f"`saddle status {study} --watch`, or stop it with `saddle stop {study}`"
            )
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
        yield


def _take(file: IO[str]) -> bool:
    """Whether the lock could be had; tried for a second, because asking for its `holder` takes it for a moment."""
    for _ in range(10):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(0.1)
    return False


def holder(path: Path) -> int | None:
    """The process that holds the lock at `path`, or None where nobody does."""
    try:
        with path.open("r") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(file.read().strip() or 0) or None
    except FileNotFoundError:
        pass
    return None
