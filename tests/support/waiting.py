"""Waiting for what other threads and processes do: until it has happened, or until a limit that only ends hanging."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from subprocess import Popen
from typing import Any

PROCESS_SECONDS = 180
"""Seconds that a process may take to end: a guard against hanging, also on a busy machine."""


def wait_until(
    condition: Callable[[], Any],
    what: str,
    seconds: float = 300,
    *,
    process: Popen[Any] | None = None,
    show: Callable[[], str] | None = None,
    pause: float = 0.05,
) -> Any:
    """The value of `condition` once it is true; it is evaluated every `pause` seconds.

    Raises `AssertionError` with `what` and the text of `show` after `seconds`, or as soon as `process` has ended.
    """
    deadline = time.monotonic() + seconds
    while True:
        # both before the condition, which may become true while they are read
        late, ended = time.monotonic() >= deadline, process is not None and process.poll() is not None
        if value := condition():
            return value
        shown = f":\n{show()}" if show is not None and (late or ended) else ""
        assert not ended, f"the process ended before this: {what}{shown}"
        assert not late, f"{what} did not happen within {seconds:g} s{shown}"
        time.sleep(pause)


def join_all(*threads: threading.Thread, seconds: float = 120) -> None:
    """Wait for the end of every thread; raises `AssertionError` if one still runs after `seconds`."""
    wait_until(
        lambda: not any(thread.is_alive() for thread in threads),
        "the end of every thread",
        seconds,
        show=lambda: ", ".join(thread.name for thread in threads if thread.is_alive()),
    )
