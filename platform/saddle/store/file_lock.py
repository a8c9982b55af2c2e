"""Locks of the kernel's on open files (flock): each ends with the process that holds it, however that ends."""

from __future__ import annotations

import fcntl
from typing import IO


def try_lock(file: int | IO[str], *, shared: bool = False) -> bool:
    """Whether the lock on an open file was acquired, without waiting; closing the file releases it.

    Several may hold a `shared` lock while there is no exclusive one.
    """
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
