"""The Pareto front of a search with several objectives."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from saddle.analyse.best import candidates
from saddle.study.models import Constraint
from saddle.trial.record import TrialRecord
from trainables.contract import Metric


def pareto_front(
    entries: Iterable[TrialRecord], objectives: Sequence[Metric], constraints: Sequence[Constraint] = ()
) -> list[TrialRecord]:
    """The completed, feasible trials that no other one equals or betters in every objective and beats in one.

    In the order of the first objective, best first; trials with equal values are all kept.
    """
    feasible = candidates(entries, objectives, constraints)
    if not feasible:
        return []
    costs = np.array(
        [[objective.cost(entry.metrics[objective.name]) for objective in objectives] for entry in feasible]
    )
    dominated = [bool(((costs <= row).all(axis=1) & (costs < row).any(axis=1)).any()) for row in costs]
    front = [index for index, beaten in enumerate(dominated) if not beaten]
    return [feasible[index] for index in sorted(front, key=lambda index: (*costs[index], index))]
