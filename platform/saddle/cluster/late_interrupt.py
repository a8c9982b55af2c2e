"""Ctrl-C while Ray starts."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def interrupts_afterwards() -> Iterator[None]:
    """Raise `KeyboardInterrupt` at the end of the block for a Ctrl-C within it, also where the block fails of it.

    In the middle of its start Ray (2.60) answers one with a crash of this process. Outside the main thread, where
    Python raises none, nothing is done.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pressed = threading.Event()
    before = signal.signal(signal.SIGINT, lambda *_: pressed.set())
    try:
        yield
    except Exception:
        if not pressed.is_set():
            raise
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed.is_set():
        raise KeyboardInterrupt
