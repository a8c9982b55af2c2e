"""What Optuna gets of a trial, as it follows from the study file and the trial's ledger entry."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from saddle.study.models import Objective, Study
from saddle.trial.outcome import METHOD_FAILURES, Outcome
from saddle.trial.record import TrialRecord

METHOD = "method"
"""The constraint that collapsed and diverged trials violate."""


def reported_value(objectives: Sequence[Objective], metrics: Mapping[str, float]) -> float | None:
    """What is reported of an epoch; None with several objectives, or where the metric is not a number."""
    value = metrics.get(objectives[0].metric)
    return None if len(objectives) > 1 or value is None or not math.isfinite(value) else value


def is_reported(epoch: int) -> bool:
    """Whether an epoch is reported to Optuna: of each up to 1,000, then of those with three significant digits.

    Each report copies all before it (2 ms at 100,000), and pruners look through them; so they are 2,800 there.
    """
    step: int = 10 ** max(0, len(str(epoch - 1)) - 3)
    return epoch % step == 0


def intermediate_values(objectives: Sequence[Objective], curve: Sequence[Mapping[str, float]]) -> dict[int, float]:
    """What is reported of a trial's epochs, by epoch from 1."""
    reported = (
        (epoch, reported_value(objectives, metrics))
        for epoch, metrics in enumerate(curve, start=1)
        if is_reported(epoch)
    )
    return {epoch: value for epoch, value in reported if value is not None}


def final_values(objectives: Sequence[Objective], entry: TrialRecord) -> list[float]:
    """The values of the objectives."""
    return [entry.metrics.get(objective.metric, math.nan) for objective in objectives]


def violations(study: Study, entry: TrialRecord) -> dict[str, float]:
    """How far each constraint is violated (1 where unmeasured); `method` is 1 where the method failed, else 0."""
    values = {
        str(c): c.violation(entry.metrics[c.metric]) if c.metric in entry.metrics else 1.0 for c in study.constraints
    }
    return {**values, METHOD: 1.0 if Outcome(entry.outcome) in METHOD_FAILURES else 0.0}
