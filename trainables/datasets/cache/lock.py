"""One builder per entry of the cache: an flock that ends with its holder, and a wait with a limit. Imports no torch."""

from __future__ import annotations

import fcntl
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from trainables.datasets.errors import DataError

PATIENCE = 600.0
"""Seconds without progress of a builder after which a waiting process gives up."""
WARN_AFTER = 3.0
POLL = 0.05
BEAT = 5.0

log = logging.getLogger(__name__)


@contextmanager
def hold(path: Path, what: str, patience: float = PATIENCE) -> Iterator[Callable[[], None]]:
    """Hold the lock at `path`; yields a function to be called now and then to show progress.

    Raises `DataError` naming the process that has held it for `patience` seconds without progress.
    """
    descriptor = _acquire(path, what, patience)
    beaten = time.monotonic()

    def beat() -> None:
        nonlocal beaten
        if time.monotonic() - beaten > BEAT:
            beaten = time.monotonic()
            os.utime(descriptor)

    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield beat
    finally:
        os.close(descriptor)


def try_hold(path: Path) -> int | None:
    """The descriptor of the lock at `path`, to be closed; None if another process has it."""
    # not through a link: its target would be overwritten
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_ino == path.stat().st_ino:
            return descriptor
    except (BlockingIOError, FileNotFoundError):  # held, or removed by its holder
        pass
    os.close(descriptor)
    return None


def _acquire(path: Path, what: str, patience: float) -> int:
    started = progressed = time.monotonic()
    last_change, warned = 0, False
    while (descriptor := try_hold(path)) is None:
        try:
            changed, holder = path.stat().st_mtime_ns, path.read_text() or "unknown"
        except FileNotFoundError:
            continue
        now = time.monotonic()
        if changed != last_change:
            last_change, progressed = changed, now
        if now - progressed > patience:
            raise DataError(
                f"process {holder} has been loading {what} into the cache without progress for {patience:.0f} s; end "
                "it and run the command again"
            )
        if not warned and now - started > WARN_AFTER:
            warned = True
            log.warning("waiting for process %s, which loads %s into the cache", holder, what)
        time.sleep(POLL)
    return descriptor
