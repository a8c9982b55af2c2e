from __future__ import annotations

import json
import threading
import tracemalloc
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from saddle.track.outbox import DAMAGED, LAST_ATTEMPTS, Backlog, Deliver, Operation, Outbox, cut_tail
from tests.support.waiting import wait_until


class Recipient:
    """Takes what is delivered, once it is `ready`; refuses while `down`."""

    def __init__(self) -> None:
        self.got: list[int] = []
        self.down = False
        self.refusals = 0
        self.ready = threading.Event()
        self.ready.set()

    def __call__(self, operations: Sequence[Operation]) -> Iterator[int]:
        self.ready.wait()
        for count, operation in enumerate(operations, start=1):
            if self.down:
                self.refusals += 1
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
    assert outbox.close(120) == Backlog(0, None)
    assert recipient.got == list(range(1000))


def test_a_dead_server_delays_nobody_and_what_waits_is_told(tmp_path: Path, recipient: Recipient) -> None:
    recipient.ready.clear()  # nothing answers: whoever waited for the server would do so for ever
    recipient.down = True
    outbox = opened(tmp_path, recipient)
    for n in range(100):
        outbox.add({"n": n})
    recipient.ready.set()
    backlog = outbox.close(120)
    assert backlog.operations == 100
    assert backlog.error is not None
    assert "nobody is there" in backlog.error


def test_what_waited_is_delivered_by_the_next_run_and_nothing_twice(tmp_path: Path, recipient: Recipient) -> None:
    first = opened(tmp_path, recipient)
    first.add({"n": 1})
    first.close(120)
    recipient.down = True
    second = opened(tmp_path, recipient)
    second.add({"n": 2})
    second.close(120)
    recipient.down = False
    third = opened(tmp_path, recipient)
    third.add({"n": 3})
    assert third.close(120).operations == 0
    assert recipient.got == [1, 2, 3]


def test_a_server_that_comes_back_gets_everything(tmp_path: Path, recipient: Recipient) -> None:
    recipient.down = True
    outbox = opened(tmp_path, recipient)
    outbox.add({"n": 1})
    wait_until(lambda: recipient.refusals, "a delivery in vain")
    recipient.down = False
    assert outbox.close(120).operations == 0
    assert recipient.got == [1]


def test_a_line_cut_short_by_a_kill_is_dropped(tmp_path: Path, recipient: Recipient) -> None:
    outbox = opened(tmp_path, recipient)
    outbox.add({"n": 1})
    outbox.close(120)
    with (tmp_path / "operations.jsonl").open("ab") as file:
        file.write(b'{"n": 2, "half')
    again = opened(tmp_path, recipient)
    again.add({"n": 3})
    assert again.close(120).operations == 0
    assert recipient.got == [1, 3]


def test_closing_ends_the_thread(tmp_path: Path, recipient: Recipient) -> None:
    outbox = opened(tmp_path, recipient)
    outbox.add({"n": 1})
    outbox.close(120)
    wait_until(
        lambda: not any(thread.name == "saddle-outbox" for thread in threading.enumerate()), "the end of the thread"
    )


def test_each_step_is_remembered_within_a_batch(tmp_path: Path, recipient: Recipient) -> None:
    class Stumbling(Recipient):
        def __call__(self, operations: Sequence[Operation]) -> Iterator[int]:
            for count, operation in enumerate(operations, start=1):
                if operation["n"] == 5 and not self.down:
                    self.down = True
                    raise ConnectionError("just this once")
                self.got.append(operation["n"])
                yield count

    stumbling = Stumbling()
    outbox = opened(tmp_path, stumbling)
    for n in range(10):
        outbox.add({"n": n})
    assert outbox.close(120) == Backlog(0, None)
    assert stumbling.down
    assert stumbling.got == list(range(10)), "what was delivered before the failure is not sent again"


def test_a_file_delivered_whole_is_emptied_on_the_way_and_at_the_end(
    tmp_path: Path, recipient: Recipient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("saddle.track.outbox.COMPACT_BYTES", 1000)
    path = tmp_path / "operations.jsonl"
    outbox = opened(tmp_path, recipient)
    recipient.ready.clear()  # emptied on the way, the file would be below the size after that
    for n in range(300):
        outbox.add({"n": n})
    assert path.stat().st_size > 1000
    recipient.ready.set()
    wait_until(lambda: path.stat().st_size == 0, "the emptying of the file")
    outbox.add({"n": 300})
    assert outbox.close(120).operations == 0
    assert path.stat().st_size == 0
    assert recipient.got == list(range(301))
    again = opened(tmp_path, recipient)
    again.add({"n": 301})
    assert again.close(120).operations == 0
    assert recipient.got == list(range(302))


def test_a_kill_while_the_file_is_emptied_loses_nothing_later(tmp_path: Path, recipient: Recipient) -> None:
    outbox = opened(tmp_path, recipient)
    outbox.add({"n": 1})
    outbox.close(120)
    (tmp_path / "operations.jsonl").write_bytes(b"")
    (tmp_path / "delivered").write_text("9")  # as long as the line that follows
    again = opened(tmp_path, recipient)
    again.add({"n": 2})
    assert again.close(120).operations == 0
    third = opened(tmp_path, recipient)
    third.close(120)
    assert recipient.got == [1, 2]


def test_a_damaged_line_does_not_block_what_follows(tmp_path: Path) -> None:
    got: list[Operation] = []

    def deliver(operations: Sequence[Operation]) -> Iterator[int]:
        got.extend(operations)
        yield len(operations)

    (tmp_path / "operations.jsonl").write_bytes(b'{"n": 1}\n\0\0\0\0\n{"n": 2}\n')
    outbox = Outbox(tmp_path, lambda: deliver)
    assert outbox.close(120).operations == 0
    assert got == [{"n": 1}, DAMAGED, {"n": 2}]


def test_a_long_tail_without_an_end_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "operations"
    for whole in (b"", b"first\n", b"first\nsecond\n"):
        path.write_bytes(whole + b"x" * 100)
        cut_tail(path, block=7)
        assert path.read_bytes() == whole


def test_memory_does_not_grow_with_what_waits(tmp_path: Path, recipient: Recipient) -> None:
    recipient.down = True
    line = {"n": 1, "text": "x" * 1000}
    (tmp_path / "operations.jsonl").write_bytes((json.dumps(line).encode() + b"\n") * 20_000)
    tracemalloc.start()
    try:
        outbox = opened(tmp_path, recipient)
        outbox.add({"n": 2})
        wait_until(lambda: recipient.refusals, "a delivery in vain")
        assert outbox.close(120).operations == 20_001
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3e6, "twenty megabytes wait on disk, of which a batch of 200 may be in memory"


def test_a_recipient_that_fails_now_and_then_gets_everything_at_the_end(tmp_path: Path) -> None:
    class Moody(Recipient):
        attempts = 0

        def __call__(self, operations: Sequence[Operation]) -> Iterator[int]:
            self.attempts += 1
            if self.attempts % 3:
                raise ConnectionError("not now")
            self.got.append(operations[0]["n"])
            yield 1

    moody = Moody()
    outbox = opened(tmp_path, moody)
    for n in range(10):
        outbox.add({"n": n})
    assert outbox.close(120).operations == 0
    assert moody.got == list(range(10))


def test_a_recipient_that_fails_in_a_row_is_left_soon(tmp_path: Path, recipient: Recipient) -> None:
    recipient.down = True
    outbox = opened(tmp_path, recipient)
    outbox.add({"n": 1})
    before = recipient.refusals
    assert outbox.close(3600).operations == 1
    assert recipient.refusals <= before + LAST_ATTEMPTS + 1, "and one that had begun before"
