"""The reports of a function that makes them by a call: it runs on a thread, and waits in each of them to continue."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Any

from trainables.contract import Report

STOP_SECONDS = 60.0
"""Seconds that a function may take to end once it is stopped, mostly for its `finally` blocks."""


class TrialStopped(BaseException):
    """Raised inside `run.report` if the trial is over; no `Exception`, so that a function's handlers let it pass."""


class ThreadReports:
    """Both ends of the exchange: `hand_over` is the function's, `reports` that of its caller."""

    def __init__(self) -> None:
        self._made: SimpleQueue[Report | None] = SimpleQueue()
        self._wanted: SimpleQueue[bool] = SimpleQueue()
        self._error: BaseException | None = None
        self._stopped = False

    def hand_over(self, report: Report) -> None:
        """Give a report and wait until the next one is wanted; raises `TrialStopped` if none is."""
        if self._stopped:  # the function caught the exception that should have ended it
            raise TrialStopped
        self._made.put(report)
        if not self._wanted.get():
            raise TrialStopped

    def reports(self, function: Callable[[], Any]) -> Iterator[Report]:
        """The reports of `function` while it runs; raises what it raises.

        Closing the iterator stops the function at its report and waits until it has ended. Raises `RuntimeError` if
        it continues for more than `STOP_SECONDS`.
        """
        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(self._call, function), name="own-loop", daemon=True)
        thread.start()
        try:
            while (report := self._made.get()) is not None:
                yield report
                self._wanted.put(True)
        finally:
            self._stopped = True
            self._wanted.put(False)
            thread.join(STOP_SECONDS)
            if thread.is_alive():
                raise RuntimeError(
                    f"the training function continued for {STOP_SECONDS:g} s after its trial was stopped"
                )
        if self._error is not None:
            raise self._error

    def _call(self, function: Callable[[], Any]) -> None:
        try:
            function()
        except TrialStopped:
            pass
        except BaseException as error:  # SystemExit, too: the caller decides what that means
            self._error = error
        self._made.put(None)
