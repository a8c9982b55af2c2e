"""The outbox: what a tracker is to be told, on disk first, delivered in order by a thread that nobody waits for."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Operation = Mapping[str, Any]
Deliver = Callable[[Sequence[Operation]], None]

BATCH = 200
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0


@dataclass(frozen=True)
class Backlog:
    """What is not delivered yet, and why not."""

    operations: int
    error: str | None


class Outbox:
    """An append-only file of operations and the offset up to which they were delivered.

    Operations carry their own times and keys, so that delivering one twice changes nothing: after a crash the last
    batch may be sent again.
    """

    def __init__(self, folder: Path, deliver: Callable[[], Deliver]) -> None:
        """`deliver` is called once, on the delivering thread, and may take its time or fail."""
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "operations.jsonl"
        self._offset_path = folder / "delivered"
        self._make_deliver = deliver
        self._cut_tail()
        self._file = self._path.open("ab")
        self._changed = threading.Condition()
        self._written = self._file.tell()
        self._delivered = min(self._read_offset(), self._written)
        self._error: str | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="saddle-outbox", daemon=True)
        self._thread.start()

    def add(self, operation: Operation) -> None:
        """Keep the operation on disk and return; it is delivered when it can be."""
        line = json.dumps(operation).encode() + b"\n"
        with self._changed:
            self._file.write(line)
            self._file.flush()
            self._written += len(line)
            self._changed.notify_all()

    def close(self, timeout: float) -> Backlog:
        """Wait up to `timeout` seconds for the delivery of everything, then stop; returns what is left."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while self._delivered < self._written and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)
            self._closing = True
            self._changed.notify_all()
        self._thread.join(timeout=1)
        with self._changed:
            self._file.close()
            return Backlog(len(self._read(self._delivered, limit=None)[0]), self._error)

    def _run(self) -> None:
        deliver: Deliver | None = None
        pause = FIRST_PAUSE
        while True:
            with self._changed:
                while self._delivered >= self._written and not self._closing:
                    self._changed.wait()
                if self._closing:
                    return
                operations, end = self._read(self._delivered, BATCH)
            try:
                deliver = deliver or self._make_deliver()
                deliver(operations)
            except Exception as error:  # whatever the server does, training goes on and the outbox waits
                with self._changed:
                    self._error = f"{type(error).__name__}: {error}"
                    if not self._closing:
                        self._changed.wait(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
                continue
            pause = FIRST_PAUSE
            self._write_offset(end)
            with self._changed:
                self._error = None
                self._delivered = end
                self._changed.notify_all()

    def _read(self, start: int, limit: int | None) -> tuple[list[Operation], int]:
        """Up to `limit` operations from offset `start`, and the offset behind them."""
        operations: list[Operation] = []
        with self._path.open("rb") as file:
            file.seek(start)
            while file.tell() < self._written and (limit is None or len(operations) < limit):
                operations.append(json.loads(file.readline()))
            return operations, file.tell()

    def _read_offset(self) -> int:
        try:
            return int(self._offset_path.read_text())
        except (FileNotFoundError, ValueError):
            return 0

    def _write_offset(self, offset: int) -> None:
        temporary = self._offset_path.with_suffix(".new")
        temporary.write_text(str(offset))
        os.replace(temporary, self._offset_path)

    def _cut_tail(self) -> None:
        """Drop a line that a killed driver wrote only in part."""
        if self._path.exists():
            content = self._path.read_bytes()
            with self._path.open("r+b") as file:
                file.truncate(content.rfind(b"\n") + 1)
