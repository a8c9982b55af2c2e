"""What is shown of a run where standard output is not a terminal: a line per trial, and one now and then in between."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from saddle.cli.output.display import (
    best_so_far,
    done_before,
    duration,
    event_line,
    status_line,
    workers_starting,
)
from saddle.cli.output.tables import console
from saddle.cli.output.terminal import visible_line

if TYPE_CHECKING:
    from saddle.archive.progress import Progress

HEARTBEAT = 60.0
"""Seconds without a line after which the progress is printed again, for readers of a log."""


class PrintedLines:
    """A listener (see `saddle.execute.progress`) that prints a line for every trial that ends."""

    def __init__(self) -> None:
        self._console = console()
        self._told_earlier = False
        self._told_start = False
        self._trials_shown = 0
        self._printed_at = time.monotonic()

    def changed(self, progress: Progress, event: str | None) -> None:
        """Print what is worth a line."""
        if not self._told_earlier:
            self._told_earlier = True
            if earlier := done_before(progress):
                self._print(f"  {earlier}")
        if event is not None:
            self._print(self._with_outlook(progress, event_line(progress, event)))
        elif not self._told_start and (starting := workers_starting(progress)):
            self._told_start = True
            self._print(f"  {starting}")
        elif progress.state == "running" and time.monotonic() - self._printed_at > HEARTBEAT:
            self._print(f"  {visible_line(status_line(progress))}")

    def _with_outlook(self, progress: Progress, line: str) -> str:
        """The line of a trial that ended with the best so far and the time left."""
        if progress.fresh <= self._trials_shown:
            return line
        self._trials_shown = progress.fresh
        time_left = f"{duration(progress.seconds_left)} left" if progress.seconds_left else ""
        return "; ".join(part for part in (line, best_so_far(progress), time_left) if part)

    def _print(self, line: str) -> None:
        from rich.text import Text

        self._printed_at = time.monotonic()
        self._console.print(Text(line), soft_wrap=True)
