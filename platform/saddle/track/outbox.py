"""The outbox: operations for a tracker, on disk first, delivered in order by a thread in the background."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from saddle.backoff import pause_after
from saddle.store.files import open_file, open_or_make, replace_file

Operation = Mapping[str, Any]
Deliver = Callable[[Sequence[Operation]], Iterator[int]]
"""Delivers operations in order, and yields after each step how many have been delivered."""

DAMAGED: Operation = {"do": "nothing"}
"""Marks a line that can't be read."""

BATCH = 200
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
COMPACT_BYTES = 2**20
"""A file that was delivered whole is emptied from this size on, and at the end."""

LAST_ATTEMPTS = 3
"""How many attempts in a row may fail before a closing outbox leaves the rest to the next run."""
LAST_PAUSE = 0.2
LAST_SECONDS = 10.0
"""How long a closing outbox waits for a server that has failed before and does not answer now."""


@dataclass(frozen=True)
class Backlog:
    """What is not delivered yet, and why not."""

    operations: int
    error: str | None


class Outbox:
    """An append-only file of operations and the offset up to which they were delivered.

    Operations carry their own times and keys, so that delivering one twice changes nothing: after a crash the last
    one may be sent again. Memory holds one batch at most, for any number of waiting ones.
    """

    def __init__(self, folder: Path, deliver: Callable[[], Deliver]) -> None:
        """`deliver` is called on the delivering thread, again after each failure, and may take its time or fail."""
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "operations.jsonl"
        self._offset_path = folder / "delivered"
        self._make_deliver = deliver
        cut_tail(self._path)
        self._file = os.fdopen(open_or_make(self._path, os.O_WRONLY | os.O_APPEND), "ab")
        self._changed = threading.Condition()
        self._written = self._file.tell()
        self._delivered = self._read_offset()
        if self._delivered > self._written:  # killed while compacting: emptied already, the offset not yet
            self._write_offset(0)
            self._delivered = 0
        self._error: str | None = None
        self._failures = 0
        self._moved = time.monotonic()
        self._ending = self._closing = False
        self._thread = threading.Thread(target=self._run, name="saddle-outbox", daemon=True)
        self._thread.start()

    def add(self, operation: Operation) -> None:
        """Write the operation to disk and return; it is delivered when it can be."""
        line = json.dumps(operation).encode() + b"\n"
        with self._changed:
            self._file.write(line)
            self._file.flush()
            self._written += len(line)
            self._changed.notify_all()

    def close(self, timeout: float) -> Backlog:
        """Wait up to `timeout` seconds for what is left, as long as the server accepts it; returns the rest."""
        deadline = time.monotonic() + timeout
        with self._changed:
            self._ending, self._failures, self._moved = True, 0, time.monotonic()
            self._changed.notify_all()
            while self._delivered < self._written and self._failures < LAST_ATTEMPTS:
                until = deadline if self._error is None else min(deadline, self._moved + LAST_SECONDS)
                if (remaining := until - time.monotonic()) <= 0:
                    break
                self._changed.wait(remaining)
            self._closing = True
            self._changed.notify_all()
        self._thread.join(timeout=1)
        with self._changed:
            if self._delivered == self._written:
                self._compact()
            self._file.close()
            return Backlog(self._waiting(), self._error)

    def _run(self) -> None:
        deliver: Deliver | None = None
        while True:
            with self._changed:
                while self._delivered >= self._written and not self._closing:
                    self._changed.wait()
                if self._closing:
                    return
                operations, ends = self._read(self._delivered, BATCH)
            try:
                deliver = deliver or self._make_deliver()
                for count in deliver(operations):
                    if not self._move_on(ends[count - 1]):
                        return
            except Exception as error:  # after any error of the server, training continues and the outbox waits
                deliver = None  # a server that comes back may be another one
                self._wait_after(error)

    def _move_on(self, end: int) -> bool:
        """Note what has been delivered; whether to continue."""
        with self._changed:
            if self._closing:  # the next outbox of this folder may be open already; it will send this once more
                return False
            self._write_offset(end)
            self._error, self._failures, self._moved = None, 0, time.monotonic()
            self._delivered = end
            if end == self._written and end >= COMPACT_BYTES:
                self._compact()
            self._changed.notify_all()
        return True

    def _wait_after(self, error: Exception) -> None:
        """Wait longer after each failure in a row; briefly while the outbox is closing."""
        with self._changed:
            self._error = f"{type(error).__name__}: {error}"
            self._failures += 1
            self._changed.notify_all()
            ending = self._ending
            pause = LAST_PAUSE if ending else pause_after(self._failures, FIRST_PAUSE, LONGEST_PAUSE)
            until = time.monotonic() + pause
            while not self._closing and self._ending == ending and (remaining := until - time.monotonic()) > 0:
                self._changed.wait(remaining)

    def _compact(self) -> None:
        """Empty the file, all of which was delivered; a kill between the two steps is repaired on opening."""
        self._file.truncate(0)
        self._write_offset(0)
        self._written = self._delivered = 0

    def _read(self, start: int, limit: int) -> tuple[list[Operation], list[int]]:
        """Up to `limit` operations from offset `start`, and the offset behind each."""
        operations: list[Operation] = []
        ends: list[int] = []
        with self._path.open("rb") as file:
            file.seek(start)
            while file.tell() < self._written and len(operations) < limit:
                operations.append(parse(file.readline()))
                ends.append(file.tell())
        return operations, ends

    def _waiting(self) -> int:
        """How many operations are not delivered yet."""
        with self._path.open("rb") as file:
            file.seek(self._delivered)
            return sum(1 for _ in file)

    def _read_offset(self) -> int:
        try:
            return max(0, int(self._offset_path.read_text()))
        except (FileNotFoundError, ValueError):
            return 0

    def _write_offset(self, offset: int) -> None:
        replace_file(self._offset_path, str(offset).encode(), sync=False)


def has_backlog(folder: Path) -> bool:
    """Whether the outbox in `folder` holds undelivered operations; a guess while it is in use."""
    try:
        size = (folder / "operations.jsonl").stat().st_size
        return size > 0 and int((folder / "delivered").read_text()) != size
    except (FileNotFoundError, ValueError):
        return (folder / "operations.jsonl").exists()


def parse(line: bytes) -> Operation:
    try:
        operation: Operation = json.loads(line)
    except ValueError:
        return DAMAGED
    return operation if isinstance(operation, dict) else DAMAGED


def cut_tail(path: Path, block: int = 2**16) -> None:
    """Drop a last line that a killed driver wrote only in part."""
    if not path.exists():
        return
    with os.fdopen(open_file(path, os.O_RDWR), "r+b") as file:
        end = keep = file.seek(0, os.SEEK_END)
        while keep > 0:
            start = max(0, keep - block)
            file.seek(start)
            line_end = file.read(keep - start).rfind(b"\n")
            keep = start + line_end + 1
            if line_end >= 0:
                break
        if keep < end:
            file.truncate(keep)
