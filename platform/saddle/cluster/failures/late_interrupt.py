"""Ctrl-C while Ray starts."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator

from saddle.cluster.failures.leave import leave

LONGEST_SECONDS = 30.0
"""How long a Ctrl-C waits for the end of a start; one that continues for longer, as on a dead address, is left."""


@contextlib.contextmanager
def interrupts_afterwards() -> Iterator[None]:
    """Raise `KeyboardInterrupt` at the end of the block for a Ctrl-C within it, also where the block fails of it.

    In the middle of its start Ray (2.60) answers one with a crash of this process. A second Ctrl-C, or a block that
    continues for `LONGEST_SECONDS`, ends the process immediately. Outside the main thread, where Python raises none,
    nothing is done.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pressed, leaving = threading.Event(), threading.Timer(LONGEST_SECONDS, leave)
    leaving.daemon = True

    def hold(*_: object) -> None:
        if pressed.is_set():
            leave()
        pressed.set()
        leaving.start()

    before = signal.signal(signal.SIGINT, hold)
    try:
        yield
    except Exception:
        if not pressed.is_set():
            raise
    finally:
        signal.signal(signal.SIGINT, before)
        leaving.cancel()
    if pressed.is_set():
        raise KeyboardInterrupt
