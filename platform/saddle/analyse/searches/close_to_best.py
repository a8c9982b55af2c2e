"""How many trials of a search can't be distinguished from its best one, by the sampling error of their shares."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from saddle.analyse.searches.chance_and_ties import samples_of
from saddle.study.trainable.declarations import Declarations
from saddle.trial.record import TrialRecord
from trainables.contract import Metric

ERRORS = 2.0
"""How many standard errors of a difference two trials must be apart to be distinguished from each other."""


@dataclass(frozen=True)
class CloseToBest:
    """`trials` of the `others` are at most `limit` from the best: two standard errors of shares of `samples`."""

    trials: int
    others: int
    limit: float
    samples: int


def close_to_best(
    feasible: Sequence[TrialRecord], winner: TrialRecord, objective: Metric, declared: Declarations
) -> CloseToBest | None:
    """The trials indistinguishable from the best; None if no standard error is known, or there is no other trial."""
    samples = samples_of(feasible, objective, declared)
    if samples is None or not objective.is_fraction or objective.bounds != (0.0, 1.0) or len(feasible) < 2:
        return None
    top = winner.metrics[objective.name]
    limit = ERRORS * math.sqrt(2 * top * (1 - top) / samples)
    close = sum(abs(top - entry.metrics[objective.name]) <= limit for entry in feasible if entry.key != winner.key)
    return CloseToBest(close, len(feasible) - 1, limit, samples)
