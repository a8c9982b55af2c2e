"""How far a search with several objectives has come: the volume that its Pareto front dominates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from saddle.analyse.best import candidates
from saddle.analyse.statistics.paired.paired_t import Floats
from saddle.study.models import Constraint
from saddle.trial.record import TrialRecord
from trainables.contract import Metric


@dataclass(frozen=True)
class Course:
    """The hypervolume after each completed, feasible trial, in trial order.

    It is a share of the box between `reference` and `best`, the best value of each objective in the search; so 1 means
    that one trial is best in every objective. Points that are worse than the reference dominate nothing.
    """

    trials: tuple[TrialRecord, ...]
    shares: tuple[float, ...]
    reference: tuple[float, ...]
    best: tuple[float, ...]


def hypervolume_course(
    entries: Iterable[TrialRecord],
    objectives: Sequence[Metric],
    constraints: Sequence[Constraint] = (),
    declared: Sequence[float | None] = (),
) -> Course | None:
    """The course of a search; None if all trials have the same value of an objective, or none betters a reference.

    The reference of an objective is the `declared` one, else the metric's worst bound, else the third quartile of the
    trials' values, counted from the best: never the worst trial, which would move it, and with it every share, at will.
    """
    feasible = candidates(entries, objectives, constraints)
    if not feasible:
        return None
    costs = np.array(
        [[objective.cost(entry.metrics[objective.name]) for objective in objectives] for entry in feasible]
    )
    if (np.ptp(costs, axis=0) == 0).any():  # also with a single trial
        return None
    best, reference = costs.min(axis=0), _references(costs, objectives, declared)
    if (reference <= best).any():
        return None
    scaled = (costs - best) / (reference - best)
    shares, front = [], np.empty((0, len(objectives)))
    for point in scaled:
        if (point < 1).all() and not (front <= point).all(axis=1).any():
            front = np.vstack([front[~(point <= front).all(axis=1)], point])
            shares.append(dominated_share(front))
        else:
            shares.append(shares[-1] if shares else 0.0)

    def values(costs: Floats) -> tuple[float, ...]:
        return tuple(objective.cost(float(cost)) for objective, cost in zip(objectives, costs, strict=True))

    return Course(tuple(feasible), tuple(shares), values(reference), values(best))


def _references(costs: Floats, objectives: Sequence[Metric], declared: Sequence[float | None]) -> Floats:
    """The cost of each objective's reference, (objectives,)."""
    volumes = []
    for place, objective in enumerate(objectives):
        own = declared[place] if place < len(declared) else None
        bound = objective.low if objective.direction == "maximize" else objective.high
        if bound is None and objective.bounds is not None:
            bound = objective.bounds[0 if objective.direction == "maximize" else 1]
        chosen = bound if own is None else own
        volumes.append(float(np.quantile(costs[:, place], 0.75)) if chosen is None else objective.cost(chosen))
    return np.array(volumes)


def dominated_share(points: Floats) -> float:
    """The volume within the unit cube that points, smaller being better, dominate (exact; moocore's HV3D+)."""
    import moocore

    return float(moocore.hypervolume(points, ref=1.0))
