"""One driver per study: an flock that dies with its holder and, in a bucket, a lease that other machines see."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from saddle.errors import StorageError, TakenOver
from saddle.store.base import Store
from saddle.store.file_lock import try_lock
from saddle.store.files import driver_file, open_file, open_or_make
from saddle.store.open import study_folder
from saddle.store.ownership.fence import Fence, StudyLock, take_fence
from saddle.store.ownership.lease import Lease, find_lease, hold_lease
from saddle.store.s3.store import S3Store
from saddle.trial.run_id import RunId


@dataclass(frozen=True)
class Driver:
    """The process that runs a study, and its machine where that is another one."""

    process: int
    host: str | None = None


@dataclass
class FencedLock:
    """A hold with a fencing token and, in a bucket, a lease that says early that it was lost."""

    fence: Fence
    lease: Lease | None = None

    @property
    def token(self) -> int:
        return self.fence.token

    @property
    def lost(self) -> bool:
        return bool(self.fence.taken_by) or (self.lease is not None and self.lease.lost)

    @property
    def why(self) -> str:
        with contextlib.suppress(TakenOver, StorageError):
            self.fence.check()  # it names the successor, whose lease may have ended
        return self.lease.why if self.lease is not None and not self.fence.taken_by else self.fence.why

    def check(self) -> None:
        self.fence.check()


@contextlib.contextmanager
def lock_study(store: Store, run: RunId) -> Iterator[StudyLock]:
    """Be the one driver of a run; raises `StorageError` naming the process, and machine, that is it already.

    In a bucket there is a lease too, because the other driver may be anywhere; poll its `lost`. A driver that held the
    study before is fenced off (see `fence`).
    """
    with hold_lock(lock_path(store, run)):
        if isinstance(store, S3Store):
            with hold_lease(store, lease_path(run), run.name) as lease:
                lock = FencedLock(take_fence(store, run), lease)
                store.finish_move(study_folder(run))
                yield lock
        else:
            yield FencedLock(take_fence(store, run))


def driver_of(store: Store, run: RunId) -> Driver | None:
    """Who trains the run, or None."""
    process = holder(lock_path(store, run))
    if process is not None:
        return Driver(process)
    lease = find_lease(store, lease_path(run)) if isinstance(store, S3Store) else None
    return Driver(lease.owner.process, lease.owner.host) if lease is not None and lease.holds else None


def lease_path(run: RunId) -> str:
    """The path of a run's lease: a hidden file in the folder above it."""
    folder, _, name = study_folder(run).rpartition("/")
    return f"{folder}/.{name}.lease"


def lock_path(store: Store, run: RunId) -> Path:
    """The path of this machine's lock of a run."""
    return driver_file(store, f"{study_folder(run)}.lock")


@contextlib.contextmanager
def hold_lock(path: Path) -> Iterator[None]:
    """Hold the lock at `path`; raises `StorageError` naming the process that holds it already."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _open_lock(path) as file:
        if not _take(file):
            study = path.stem
            raise StorageError(
                f"another driver (process {read_process(file) or 'unknown'}) is running {study}; watch it with "
                f"`saddle status {study} --watch`, or stop it with `saddle stop {study}`"
            )
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
        yield


def _open_lock(path: Path) -> IO[str]:
    """The lock's file, created if missing; raises `StorageError` if this user may not write it."""
    try:
        return os.fdopen(open_or_make(path, os.O_RDWR), "r+", errors="replace")
    except PermissionError:
        raise StorageError(
            f"the lock {path} can't be opened: it is another user's; to share a storage, give its folders to a group "
            "(chgrp, chmod -R g+rwX, and g+s on folders), and let all of it use the umask 002"
        ) from None


def _take(file: IO[str]) -> bool:
    """Whether the lock was acquired; tried for a second, because asking for its `holder` takes it for a moment."""
    for _ in range(10):
        if try_lock(file):
            return True
        time.sleep(0.1)
    return False


def read_process(file: IO[str]) -> int:
    """The number that the holder wrote into its lock; 0 for anything else."""
    text = file.read().strip()
    return int(text) if text.isascii() and text.isdigit() else 0


def holder(path: Path) -> int | None:
    """The process that holds the lock at `path`, 0 if it doesn't say which, or None if no process does."""
    try:
        with os.fdopen(open_file(path, os.O_RDONLY), "r", errors="replace") as file:
            if not try_lock(file, shared=True):
                return read_process(file)
    except FileNotFoundError:
        pass
    return None
