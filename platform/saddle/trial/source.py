"""The interface between what decides on trials and what runs them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from saddle.errors import UserError
from saddle.trial.record import TrialRecord
from saddle.trial.spec import TrialSpec


class TrialSource(Protocol):
    """Hands out the trials of a study and receives their results; the driver is its only caller.

    Every method may be called again with the same arguments without changing anything.
    """

    @property
    def total(self) -> int | None:
        """How many trials the study has in all; None where only time bounds it."""

    @property
    def trouble(self) -> UserError | None:
        """Why no more trials are proposed although the study isn't done; None if all is well."""

    @property
    def machine(self) -> str | None:
        """The kind of machine whose trials are proposed now; None if they may run anywhere."""

    def cancel_waits(self) -> None:
        """Wait for nothing any more: somebody wants the run to end. Called from a signal's handler."""

    def next(self) -> TrialSpec | None:
        """The next trial, unfinished ones of an earlier run first; None if no trial is left to start."""

    def report(self, key: str, epoch: int, metrics: Mapping[str, float]) -> bool:
        """Hear of an epoch (from 1); whether the trial should stop early."""

    def finish(self, record: TrialRecord) -> None:
        """Hear how a trial ended."""
