"""The seam between what decides on trials and what runs them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from saddle.errors import UserError
from saddle.trial.record import TrialRecord


@dataclass(frozen=True)
class Proposal:
    """One trial to run: its key, what it sets beyond the study's own settings, and its seed."""

    key: str
    settings: Mapping[str, Any]
    seed: int
    arm: str | None = None
    number: int | None = None
    block: Mapping[str, Any] = field(default_factory=dict)
    """Where an ablation's blocks stand; part of `settings`, too."""


class TrialSource(Protocol):
    """Hands out the trials of a study and hears how they fare; the driver is its only caller.

    Every method may be called again with the same arguments without changing anything.
    """

    @property
    def total(self) -> int | None:
        """How many trials the study has in all; None where only time bounds it."""

    @property
    def trouble(self) -> UserError | None:
        """Why no more trials are proposed although the study isn't done; None where all is well."""

    def cancel_waits(self) -> None:
        """Wait for nothing any more: somebody wants the run to end. Called from a signal's handler."""

    def next(self) -> Proposal | None:
        """The next trial, unfinished ones of an earlier run first; None where there is none to start any more."""

    def report(self, key: str, epoch: int, metrics: Mapping[str, float]) -> bool:
        """Hear of an epoch (from 1); whether the trial should stop early."""

    def finish(self, entry: TrialRecord) -> None:
        """Hear how a trial ended."""
