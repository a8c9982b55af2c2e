"""How far a search with several objectives has come: the volume that its Pareto front dominates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from saddle.analyse.best import candidates
from saddle.analyse.statistics.paired_t import Floats
from saddle.study.models import Constraint
from saddle.trial.record import TrialRecord
from trainables.contract import Metric


@dataclass(frozen=True)
class Course:
    """The hypervolume after each completed, feasible trial, in trial order.

    It is a share of the box between `worst` and `best`, the worst and the best value of each objective in the search;
    so 1 means that one trial is best in every objective.
    """

    trials: tuple[TrialRecord, ...]
    shares: tuple[float, ...]
    worst: tuple[float, ...]
    best: tuple[float, ...]


def hypervolume_course(
    entries: Iterable[TrialRecord], objectives: Sequence[Metric], constraints: Sequence[Constraint] = ()
) -> Course | None:
    """The course of a search; None where all trials have the same value of an objective."""
    found = candidates(entries, objectives, constraints)
    if not found:
        return None
    costs = np.array([[one.cost(entry.metrics[one.name]) for one in objectives] for entry in found])
    if (np.ptp(costs, axis=0) == 0).any():  # of a single trial, too
        return None
    best, worst = costs.min(axis=0), costs.max(axis=0)
    scaled = (costs - best) / (worst - best)
    shares, front = [], np.empty((0, len(objectives)))
    for point in scaled:
        if not (front <= point).all(axis=1).any():
            front = np.vstack([front[~(point <= front).all(axis=1)], point])
            shares.append(dominated_share(front))
        else:
            shares.append(shares[-1])

    def values(costs: Floats) -> tuple[float, ...]:
        return tuple(objective.cost(float(cost)) for objective, cost in zip(objectives, costs, strict=True))

    return Course(tuple(found), tuple(shares), values(worst), values(best))


def dominated_share(points: Floats) -> float:
    """The volume within the unit cube that points, smaller being better, dominate (exact; moocore's HV3D+)."""
    import moocore

    return float(moocore.hypervolume(points, ref=1.0))
