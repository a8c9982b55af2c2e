"""Optuna's samplers from what a study file says."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import optuna
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial

from saddle.study.models import Grid, Sampler
from saddle.study.space import Parameter

VIOLATIONS = "violations"
"""Trial attribute: how far each constraint is violated; the last says whether the method failed."""

LEARNS_CONSTRAINTS = frozenset({"tpe", "gp", "nsga2"})
"""Samplers that learn from violated constraints, and so from collapsed and diverged trials."""


def read_violations(trial: FrozenTrial) -> Sequence[float]:
    """The constraint values of a trial, as Optuna wants them: above zero is violated."""
    violations: Sequence[float] = trial.user_attrs.get(VIOLATIONS, (1.0,))
    return violations


def make_sampler(spec: Sampler, space: Mapping[str, Parameter]) -> BaseSampler:
    """The sampler that `spec` describes, over `space`."""
    options = spec.options
    constrained: Callable[[FrozenTrial], Sequence[float]] = read_violations
    builders: dict[str, Callable[[], BaseSampler]] = {
        "tpe": lambda: optuna.samplers.TPESampler(
            n_startup_trials=options.startup_trials,
            multivariate=options.multivariate,
            # concurrent trials would otherwise be drawn from one and the same posterior
            constant_liar=True,
            constraints_func=constrained,
            seed=options.seed,
        ),
        "gp": lambda: optuna.samplers.GPSampler(
            n_startup_trials=options.startup_trials, constraints_func=constrained, seed=options.seed
        ),
        "cmaes": lambda: optuna.samplers.CmaEsSampler(n_startup_trials=options.startup_trials, seed=options.seed),
        "nsga2": lambda: optuna.samplers.NSGAIISampler(
            population_size=options.population_size, constraints_func=constrained, seed=options.seed
        ),
        "random": lambda: optuna.samplers.RandomSampler(seed=options.seed),
        "qmc": lambda: optuna.samplers.QMCSampler(qmc_type=options.type, scramble=True, seed=options.seed),
        "grid": lambda: optuna.samplers.GridSampler(make_grid(space, options), seed=options.seed),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return builders[spec.name]()


def make_grid(space: Mapping[str, Parameter], options: Grid) -> dict[str, list[Any]]:
    """The values of each parameter that a grid search combines."""
    return {name: grid_values(parameter, options.points) for name, parameter in space.items()}


def grid_values(parameter: Parameter, points: int) -> list[Any]:
    """All choices, every value of a lattice or a narrow int range, else `points` values evenly (or log-evenly) apart."""
    if parameter.choice is not None:
        return list(parameter.choice)
    low, high = parameter.bounds
    if parameter.step is not None:
        count = int((high - low) / parameter.step + 1e-9) + 1
        values = [low + i * parameter.step for i in range(count)]
    elif parameter.int_range is not None and high - low < points:
        values = list(range(int(low), int(high) + 1))
    else:
        spread = np.geomspace if parameter.log else np.linspace
        # the ends exactly: geomspace may overshoot the range by a rounding error
        values = [low, *(float(v) for v in spread(low, high, points)[1:-1]), high]
    if parameter.int_range is not None:
        return sorted({round(v) for v in values})
    return values


def grid_size(space: Mapping[str, Parameter], options: Grid) -> int:
    """How many trials a full grid has."""
    size = 1
    for values in make_grid(space, options).values():
        size *= len(values)
    return size
