"""An event loop in which time passes only while all tasks wait for it; a deadlock is an error."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

Answer = TypeVar("Answer")


class Hang(Exception):
    """All tasks wait for each other, and none for a time."""


class _Idle(selectors.SelectSelector):
    """Instead of waiting it sets the clock."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Hang
        self.now += max(0.0, timeout)
        return []


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.idle = _Idle()
        super().__init__(self.idle)

    def time(self) -> float:
        return self.idle.now


def run(main: Coroutine[Any, Any, Answer]) -> Answer:
    """The result of `main`, in no real time; raises `Hang` if it would never return."""
    loop = _Loop()
    try:
        return loop.run_until_complete(main)
    finally:
        loop.close()
