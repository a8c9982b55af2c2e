from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from saddle.track.outbox import Backlog, Deliver, Operation, Outbox


class Recipient:
    """Takes what is delivered; refuses while `down`."""

    def __init__(self) -> None:
        self.got: list[int] = []
        self.down = False

    def __call__(self, operations: Sequence[Operation]) -> Iterator[int]:
        for count, operation in enumerate(operations, start=1):
            if self.down:
                raise ConnectionError("nobody is there")
            self.got.append(operation["n"])
            yield count


@pytest.fixture
def recipient() -> Recipient:
    return Recipient()


def opened(path: Path, recipient: Recipient) -> Outbox:
    def connect() -> Deliver:
        return recipient

    return Outbox(path, connect)


def test_operations_arrive_in_order(tmp_path: Path, recipient: Recipient) -> None:
    outbox = opened(tmp_path, recipient)
    for n in range(1000):
        outbox.add({"n": n})
    assert outbox.close(10) == Backlog(0, None)
    assert recipient.got == list(range(1000))


def test_a_dead_server_delays_nobody_and_what_waits_is_told(tmp_path: Path, recipient: Recipient) -> None:
    recipient.down = True
    outbox = opened(tmp_path, recipient)
    since = time.monotonic()
    for n in range(100):
        outbox.add({"n": n})
    assert time.monotonic() - since < 5, "a hundred lines of text on disk"
    backlog = outbox.close(0.3)
    assert backlog.operations == 100
    assert backlog.error is not None
    assert "nobody is there" in backlog.error


def test_what_waited_is_delivered_by_the_next_run_and_nothing_twice(tmp_path: Path, recipient: Recipient) -> None:
    first = opened(tmp_path, recipient)
    first.add({"n": 1})
    first.close(10)
    recipient.down = True
    second = opened(tmp_path, recipient)
    second.add({"n": 2})
    second.close(0.2)
    recipient.down = False
    third = opened(tmp_path, recipient)
    third.add({"n": 3})
    assert third.close(10).operations == 0
    assert recipient.got == [1, 2, 3]


def test_a_server_that_comes_back_gets_everything(tmp_path: Path, recipient: Recipient) -> None:
    recipient.down = True
    outbox = opened(tmp_path, recipient)
    outbox.add({"n": 1})
    time.sleep(0.2)
    recipient.down = False
    assert outbox.close(10).operations == 0
    assert recipient.got == [1]


def test_a_line_cut_short_by_a_kill_is_dropped(tmp_path: Path, recipient: Recipient) -> None:
    outbox = opened(tmp_path, recipient)
    outbox.add({"n": 1})
    outbox.close(10)
    with (tmp_path / "operations.jsonl").open("ab") as file:
        file.write(b'{"n": 2, "half')
    again = opened(tmp_path, recipient)
    again.add({"n": 3})
    assert again.close(10).operations == 0
    assert recipient.got == [1, 3]


def test_closing_ends_the_thread(tmp_path: Path, recipient: Recipient) -> None:
    outbox = opened(tmp_path, recipient)
    outbox.add({"n": 1})
    outbox.close(10)
    assert not any(thread.name == "saddle-outbox" for thread in threading.enumerate())
