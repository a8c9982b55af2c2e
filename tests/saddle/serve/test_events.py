"""What an open page is sent: the regions that changed, until its reader has gone or the server ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

import pytest

from saddle.serve import events
from saddle.serve.events import Watching, changes
from saddle.serve.watched.shared_reading import SharedReading


class Reader:
    """A request whose reader goes away after so many looks."""

    def __init__(self, looks: int) -> None:
        self.looks = looks

    async def is_disconnected(self) -> bool:
        self.looks -= 1
        return self.looks < 0


def sent(states: list[Mapping[str, str] | Exception], looks: int = 100, pause: float = 0.0) -> list[str]:
    """The events of a page whose regions are as each of `states`, one look after the other."""
    left = iter(states)

    async def regions() -> Mapping[str, str]:
        state = next(left)
        if isinstance(state, Exception):
            raise state
        return state

    async def collect() -> list[str]:
        reader: Any = Reader(min(looks, len(states)))
        return [event async for event in changes(reader, regions, Watching(pause))]

    return asyncio.run(collect())


def test_only_what_changed_is_sent() -> None:
    first, second = {"status": "<p>1</p>", "arms": "<p>a</p>"}, {"status": "<p>2</p>", "arms": "<p>a</p>"}
    retry, *data = sent([first, first, second, second])
    assert retry.startswith("retry: ")
    assert [json.loads(event.removeprefix("data: ")) for event in data] == [first, {"status": "<p>2</p>"}]


def test_an_event_is_one_line_whatever_a_region_holds() -> None:
    [_, event] = sent([{"status": "a\n\ndata: forged\r\n\u2028"}])
    assert event.count("\n") == 2
    assert event.endswith("\n\n")


def test_a_storage_that_is_away_for_a_moment_ends_nothing() -> None:
    _, before, trouble, after = sent([{"a": "1"}, OSError("away"), {"a": "2"}])
    assert "away" not in trouble, "what an error says may hold a secret"
    assert trouble.startswith("event: trouble\n")
    assert (before, after) == ('data: {"a": "1"}\n\n', 'data: {"a": "2"}\n\n')


def test_a_connection_without_changes_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "BEAT", -1.0)
    assert sent([{"a": "1"}, {"a": "1"}])[-1].startswith(": ")


def test_a_server_that_ends_lets_go_of_open_pages() -> None:
    ending = False

    async def regions() -> Mapping[str, str]:
        nonlocal ending
        ending = True
        return {"a": "1"}

    async def collect() -> list[str]:
        reader: Any = Reader(100)
        return [event async for event in changes(reader, regions, Watching(3600.0, lambda: ending))]

    assert len(asyncio.run(asyncio.wait_for(collect(), 60))) == 2


def counting(values: Iterator[int]) -> Callable[[], int]:
    return lambda: next(values)


def test_twenty_open_pages_read_as_much_as_one() -> None:
    async def ask() -> tuple[list[int], int]:
        reading = SharedReading(counting(iter(range(100))), age=3600.0)
        together = await asyncio.gather(*(reading.get() for _ in range(20)))
        return list(together), await reading.get(fresh=True)

    assert asyncio.run(ask()) == ([0] * 20, 1)


def test_what_raises_is_asked_again() -> None:
    answers: list[int | Exception] = [ValueError("away"), 7]

    def read() -> int:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def ask() -> AsyncIterator[int]:
        reading = SharedReading(read, age=3600.0)
        with pytest.raises(ValueError, match="away"):
            await reading.get()
        yield await reading.get()

    async def first() -> int:
        return await anext(ask())

    assert asyncio.run(first()) == 7
