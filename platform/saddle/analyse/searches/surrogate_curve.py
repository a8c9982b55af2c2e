"""How a search's objective depends on one of its parameters, by a model of all its completed trials: a description."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from saddle.analyse.best import candidates
from saddle.analyse.searches.importance import drawn
from saddle.study.models import Study
from saddle.study.space import Parameter
from saddle.study.values import canonical
from saddle.trial.record import TrialRecord
from trainables.contract import Metric

FEWEST_TRIALS = 10
TREES = 200
POINTS = 25
INACTIVE = -1.0
"""The value of a parameter whose condition a trial does not meet: below the scale of the others, 0 to 1."""


@dataclass(frozen=True)
class SurrogateCurve:
    """`mean[i]` is predicted where the parameter is `values[i]`, on average over `trials` completed trials."""

    values: tuple[Any, ...]
    mean: tuple[float, ...]
    trials: int


def surrogate_curve(
    study: Study, entries: Sequence[TrialRecord], objective: Metric, parameter: str
) -> SurrogateCurve | None:
    """Partial dependence (Friedman, 2001) in a random forest; None with few trials that have the parameter.

    Stopped trials have no final value and are left out, so the curve describes what was worth training to the end.
    """
    from sklearn.ensemble import RandomForestRegressor

    space = study.search or {}
    pairs = [(drawn(study, entry), entry) for entry in candidates(entries, [objective])]
    settings = [params for params, _ in pairs if parameter in params]
    if len(settings) < FEWEST_TRIALS:
        return None
    targets = [entry.metrics[objective.name] for params, entry in pairs if parameter in params]
    features = np.array([[_place(space[name], params.get(name)) for name in space] for params in settings])
    forest = RandomForestRegressor(n_estimators=TREES, min_samples_leaf=2, random_state=0).fit(features, targets)
    values, column = grid_of(space[parameter]), list(space).index(parameter)
    mean = []
    for value in values:
        changed = features.copy()
        changed[:, column] = _place(space[parameter], value)
        mean.append(float(forest.predict(changed).mean()))
    return SurrogateCurve(tuple(values), tuple(mean), len(settings))


def grid_of(parameter: Parameter) -> list[Any]:
    """The values at which the curve is drawn: every choice, else evenly over the range, or over its logarithm."""
    if parameter.choice is not None:
        return list(parameter.choice)
    low, high = parameter.bounds
    values = np.geomspace(low, high, POINTS) if parameter.log else np.linspace(low, high, POINTS)
    return sorted({round(float(value)) for value in values}) if parameter.int_range is not None else values.tolist()


def _place(parameter: Parameter, value: Any) -> float:
    """The position of a value in its parameter's range, 0 to 1."""
    if value is None:
        return INACTIVE
    if parameter.choice is not None:
        texts = [canonical(choice) for choice in parameter.choice]
        return texts.index(canonical(value)) / max(1, len(texts) - 1) if canonical(value) in texts else INACTIVE
    low, high = np.log(parameter.bounds) if parameter.log else parameter.bounds
    return float(((np.log(value) if parameter.log else value) - low) / (high - low))
