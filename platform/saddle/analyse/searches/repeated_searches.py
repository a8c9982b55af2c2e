"""Searches that were repeated with other seeds of their sampler: what their fronts reach, search by search.

The front of one search is one draw: another seed proposes other trials. Over repeated searches the attainment surfaces
bound what one, half and every one of them reach (Fonseca, Guerreiro, López-Ibáñez and Paquete, 2011).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from saddle.analyse.best import value_of
from saddle.analyse.searches.hypervolume import dominated_share
from saddle.analyse.searches.search import twin
from saddle.analyse.statistics.paired.paired_t import Floats
from saddle.analyse.study_comparison import StudyView
from saddle.study.models import Study
from saddle.study.values import canonical
from trainables.contract import Metric

LEAST_SEARCHES = 3
"""With fewer, the best, half and all of them show nothing that the fronts don't."""
NOT_A_DIFFERENCE = ("study", "question", "resources", "checkpoints", "notify", "also")
"""What repetitions of a search may differ in."""


@dataclass(frozen=True)
class RepeatedSearches:
    """The searches that are one another's repetitions, with the points (N, 2) that each reaches.

    `metrics`: the test twins of the two objectives, as the values that chose the front favour it; the objectives
    themselves where not every trial of every front was tested.
    """

    names: Sequence[str]
    metrics: tuple[Metric, Metric]
    points: Sequence[Floats]
    shares: Sequence[float]
    """What each dominates of the box from the objectives' references to the best value that any search reached."""

    @property
    def costs(self) -> list[Floats]:
        """The points of each search where smaller is better."""
        return [costs_of(points, self.metrics) for points in self.points]


def repeated_searches(views: Sequence[StudyView]) -> list[RepeatedSearches]:
    """The groups of searches with two objectives that differ in their sampler's seed alone, three or more in each."""
    groups: dict[str, list[StudyView]] = {}
    for view in views:
        if len(view.objectives) == 2 and view.front:
            groups.setdefault(identity_of(view.study), []).append(view)
    return [_reached(group) for group in groups.values() if len(group) >= LEAST_SEARCHES]


def identity_of(study: Study) -> str:
    """A search without its sampler's seed, in canonical form; the same for all of its repetitions."""
    plain: dict[str, Any] = study.model_dump(mode="json", exclude=set(NOT_A_DIFFERENCE))
    sampler = {name: options for name, options in plain["sampler"].items() if options is not None}
    plain["sampler"] = {
        name: {key: value for key, value in options.items() if key != "seed"} if isinstance(options, dict) else options
        for name, options in sampler.items()
    }
    return canonical(plain)


def costs_of(points: Floats, metrics: Sequence[Metric]) -> Floats:
    """The points (N, 2) with the sign of each metric turned where larger is better, or turned back."""
    signs = np.array([-1.0 if metric.direction == "maximize" else 1.0 for metric in metrics])
    costs: Floats = points * signs
    return costs


def _reached(views: Sequence[StudyView]) -> RepeatedSearches:
    chosen = tuple(views[0].objectives)
    tested = tuple(tested_metric(metric) for metric in chosen)
    is_tested = all(
        value_of(entry, metric.name) is not None for view in views for entry in view.front for metric in tested
    )
    first, second = tested if is_tested else chosen
    points = [
        np.array([[value_of(entry, first.name), value_of(entry, second.name)] for entry in view.front], dtype=float)
        for view in views
    ]
    names = [view.name for view in views]
    return RepeatedSearches(names, (first, second), points, _shares(views[0], points, (first, second)))


def tested_metric(objective: Metric) -> Metric:
    """The test twin of an objective: what it means on data that chose nothing."""
    return replace(objective, name=twin(objective.name), clean="")


def _shares(view: StudyView, points: Sequence[Floats], metrics: tuple[Metric, Metric]) -> list[float]:
    """What each search dominates between the references of the objectives and the best of all searches."""
    every = costs_of(np.vstack(points), metrics)
    best = every.min(axis=0)
    declared = [objective.reference for objective in view.study.objective or ()]
    worst = np.array([
        metric.cost(own) if own is not None else every[:, place].max()
        for place, (metric, own) in enumerate(zip(metrics, declared, strict=True))
    ])  # fmt: skip
    if (worst <= best).any():
        return [float("nan")] * len(points)
    scaled = [(costs_of(front, metrics) - best) / (worst - best) for front in points]
    return [dominated_share(inside) if len(inside := front[(front < 1).all(axis=1)]) else 0.0 for front in scaled]
