"""Temporary folders that end with the process that made them: what a killed one left, the next one removes.

A process holds an flock on a file in each of its folders. The kernel releases it however the process ends, and unlike
a process number in a file it is also right across containers that share the folder for temporary files.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from saddle.store.file_lock import try_lock
from saddle.store.infrastructure_errors import describe, explain_fault

PREFIX = "saddle-"
LOCK = ".saddle-scratch"
"""What distinguishes our folders from others that are called saddle-…: nothing without it is ever removed."""

ATTEMPTS = 5
"""How often a folder is recreated that another process removed before it was locked."""


@contextlib.contextmanager
def scratch_folder(base: Path | None = None, *, keep_after_error: bool = False) -> Iterator[Path]:
    """A new folder, for this user only, below `base` or the folder for temporary files; removed at the end.

    Those that ended processes left there are removed first. With `keep_after_error` the folder outlives an exception,
    until the next process makes one. Raises `InfrastructureError` if none can be made.
    """
    try:
        base = Path(tempfile.gettempdir()) if base is None else base
        base.mkdir(parents=True, exist_ok=True)
        remove_abandoned(base)
        folder, lock = _make_locked(base)
    except OSError as error:
        what = f"the folder for temporary files can't be used: {describe(error)}"
        raise explain_fault(what, "make room there, or name another one with TMPDIR") from error
    try:
        yield folder
    except BaseException:
        if not keep_after_error:
            _remove(folder)
        raise
    else:
        _remove(folder)
    finally:
        os.close(lock)


def _make_locked(base: Path) -> tuple[Path, int]:
    """A new folder below `base` and the descriptor that holds its lock."""
    for _ in range(ATTEMPTS):
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
        with contextlib.suppress(FileNotFoundError):
            lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
            if try_lock(lock) and (folder / LOCK).exists():
                return folder, lock
            os.close(lock)
    raise FileNotFoundError(None, "other processes remove every new folder", str(base))


def remove_abandoned(base: Path) -> int:
    """Remove the folders in `base` that ended processes of this user left; returns how many."""
    removed = 0
    for folder in base.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):  # another user's, or removed by another process
            status = folder.lstat()
            if stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid():
                removed += _remove_if_free(folder)
    return removed


def _remove_if_free(folder: Path) -> bool:
    """Remove the folder unless its process lives; whether it was removed."""
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_NOFOLLOW)
    try:
        free = try_lock(lock)
        if free:
            _remove(folder)
        return free
    finally:
        os.close(lock)


def _remove(folder: Path) -> None:
    """Remove the folder, its lock last: after a kill meanwhile the rest is still recognised."""
    for path in folder.iterdir():
        if path.name == LOCK:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)  # a process that is just ending may still write there
        else:
            path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        folder.joinpath(LOCK).unlink()
        folder.rmdir()
