"""One finished trial, as the ledger keeps it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from saddle.redaction import redact
from saddle.trial.measurement import Measurement
from saddle.trial.progress import TrialProgress
from saddle.trial.spec import TrialSpec
from trainables.contract import CheckItem

SCHEMA_VERSION = 3
"""Since 3 the paths in its file are relative to the folder of the study's run."""

OF_OUR_OWN_WORDS = ("completed", "pruned")
"""Outcomes whose reason, if any, is the driver's: it takes 0.1 ms to redact one, and a ledger has 100,000 entries."""


def _from(path: str) -> Any:
    return property(attrgetter(path))


class PartsOfRecord:
    """What the parts of a record hold, each under its own name, for readers of one trial after the other."""

    __slots__ = ()

    spec: TrialSpec = _from("progress.spec")
    key: str = _from("progress.spec.key")
    study: str = _from("progress.spec.run.study")
    seed: int = _from("progress.spec.seed")
    params: Mapping[str, Any] = _from("progress.spec.params")
    settings: Mapping[str, Any] = _from("progress.spec.settings")
    arm: str | None = _from("progress.spec.arm")
    block: Mapping[str, Any] = _from("progress.spec.block")
    number: int | None = _from("progress.spec.number")
    sources: Mapping[str, str] = _from("progress.spec.sources")
    started: float = _from("progress.started")
    attempts: int = _from("progress.attempts")
    epochs: int = _from("progress.epochs")
    seconds: float = _from("progress.seconds")
    selected_epoch: int | None = _from("progress.selected_epoch")
    curve: Sequence[Mapping[str, float]] = _from("progress.curve")
    times: Sequence[float] = _from("progress.times")
    checkpoints: Mapping[str, str] = _from("progress.checkpoints")
    metrics: Mapping[str, float] = _from("measurement.metrics")
    test_last: Mapping[str, float] = _from("measurement.test_last")
    arrays: Mapping[str, str] = _from("measurement.arrays")
    images: Mapping[str, str] = _from("measurement.images")
    closing_images: Mapping[str, str] = _from("measurement.closing_images")
    fingerprints: Mapping[str, Any] = _from("measurement.fingerprints")
    evaluation: Mapping[str, Any] = _from("measurement.evaluation")
    measured: float = _from("measurement.when")
    not_finite: Sequence[str] = _from("measurement.not_finite")


@dataclass(frozen=True, slots=True)
class TrialRecord(PartsOfRecord):
    """Everything known of a finished trial; Optuna, MLflow and the report are derivable from these."""

    progress: TrialProgress
    outcome: str
    measurement: Measurement
    """The latest one."""
    why: str = ""
    """Why it ended, when it did not complete; a traceback for `failed`."""
    ended: float = 0.0
    token: int | None = None
    """The fencing token of the driver that wrote it; since version 3."""
    version: int = SCHEMA_VERSION
    checks: Sequence[CheckItem] = ()
    """The result of the checklist, if it was run; it is not in the ledger's file, which never changes."""
    earlier: Sequence[Measurement] = ()
    """Earlier measurements, oldest first; each later one is in a separate file."""

    def __post_init__(self) -> None:
        """Let nothing secret get into ledger, report and MLflow, nor out of a ledger that an older saddle wrote."""
        if self.why and self.outcome not in OF_OUR_OWN_WORDS:
            object.__setattr__(self, "why", redact(self.why))

    @property
    def measured_params(self) -> Mapping[str, Any]:
        """The configuration that its test metrics were measured with."""
        return {**self.params, **self.evaluation} if self.evaluation else self.params

    @property
    def settled(self) -> float:
        """When its numbers became what they are, in Unix seconds."""
        return max(self.ended, self.measured)

    @property
    def epoch_times(self) -> list[float]:
        """When each epoch was over; evenly spaced where an older saddle did not note it."""
        if len(self.times) == len(self.curve):
            return list(self.times)
        pace = (self.ended - self.started) / (len(self.curve) + 1)
        return [self.started + pace * epoch for epoch in range(1, len(self.curve) + 1)]
