"""A reading of the storage that everybody who watches shares, so that twenty open pages ask as little as one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from anyio import to_thread

T = TypeVar("T")

SHARE_OF_TIME = 4.0
"""A reading that took a second is not made again for so many seconds."""


class SharedReading(Generic[T]):
    """What `read` returns, read again in a thread once it is `age` seconds old."""

    def __init__(self, read: Callable[[], T], age: float) -> None:
        self._read, self._least = read, age
        self._age = age
        self._read_at = -float("inf")
        self._value: T | None = None
        self._lock = asyncio.Lock()

    async def get(self, *, fresh: bool = False) -> T:
        """The value, at most `age` seconds old, or read now if `fresh`; raises what `read` does."""
        async with self._lock:
            if self._value is None or fresh or time.monotonic() - self._read_at > self._age:
                start = time.monotonic()
                self._value = await to_thread.run_sync(self._read)
                self._read_at = time.monotonic()
                self._age = max(self._least, SHARE_OF_TIME * (self._read_at - start))
            return self._value
