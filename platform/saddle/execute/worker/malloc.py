"""The C library's memory in a process that trains."""

from __future__ import annotations

import ctypes
import platform

TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD = -1, -2, -3
"""Parameters of glibc's mallopt (malloc.h)."""
LARGEST = 32 * 2**20
"""Blocks above this always come from the system: glibc takes no higher threshold."""
KEPT = 2**30
PAD = 64 * 2**20


def keep_freed_memory() -> bool:
    """Let this process reuse the memory that it frees, up to `KEPT` bytes; False if that can't be asked for.

    By default glibc returns the memory of every larger tensor to the system, and the next one of its size is got again
    page by page: a fifth of the time that small networks train on a CPU went into that.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    values = {MMAP_THRESHOLD: LARGEST, TRIM_THRESHOLD: KEPT, TOP_PAD: PAD}
    return all(mallopt(name, value) == 1 for name, value in values.items())
