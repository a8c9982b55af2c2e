"""The different settings that a search can propose: as trials share a seed, a repeat adds no information."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from saddle.search.lattice import evenly, nearest_step, steps
from saddle.study.known_values import known_values
from saddle.study.models import Grid, Study
from saddle.study.space import Parameter
from saddle.study.values import canonical

Values = Mapping[str, Sequence[Any] | None]
"""The values that each parameter can take; None if they are not counted."""

MOST_COUNTED = 10_000
"""No search has as many trials as a parameter with more values has settings."""


def order_by_condition(space: Mapping[str, Parameter]) -> list[str]:
    """Names such that a parameter comes after those its `when` speaks of; otherwise as written."""
    ordered: list[str] = []

    def place(name: str) -> None:
        if name not in ordered:
            for condition in space[name].when:
                if condition in space:
                    place(condition)
            ordered.append(name)

    for name in space:
        place(name)
    return ordered


def make_grid(space: Mapping[str, Parameter], options: Grid) -> dict[str, list[Any]]:
    """The values of each parameter that a grid search combines."""
    return {name: grid_values(parameter, options.points) for name, parameter in space.items()}


def grid_values(parameter: Parameter, points: int) -> list[Any]:
    """All choices, every value of a lattice or a narrow int range, else `points` values (log-)evenly apart."""
    finite = finite_values(parameter)
    low, high = parameter.bounds
    if finite is not None and (parameter.int_range is None or parameter.step is not None or high - low < points):
        return finite
    values = evenly(low, high, points, log=parameter.log)
    return sorted({round(v) for v in values}) if parameter.int_range is not None else values


def finite_values(parameter: Parameter) -> list[Any] | None:
    """All that the parameter can be; None for a range of floats, or of more values than are worth counting."""
    if parameter.choice is not None:
        return list(parameter.choice)
    (low, high), step, whole = parameter.bounds, _step(parameter), parameter.int_range is not None
    if not step or (high - low) / step >= MOST_COUNTED:
        return None
    return list(range(int(low), int(high) + 1, int(step))) if whole else steps(low, high, step)


def _step(parameter: Parameter) -> float:
    """The distance of its values; 0 if they have none."""
    return parameter.step or (1.0 if parameter.int_range is not None else 0.0)


def values_of(study: Study) -> Values:
    """The values that the study's sampler draws from: those of its grid, else of the space."""
    space = study.search or {}
    if study.sampler.name == "grid":
        return make_grid(space, study.sampler.options)
    return {name: finite_values(parameter) for name, parameter in space.items()}


def grid_size(space: Mapping[str, Parameter], options: Grid) -> int:
    """How many points a full grid has, those included that differ only where their conditions leave parameters out."""
    return math.prod(len(values) for values in make_grid(space, options).values())


def count_settings(space: Mapping[str, Parameter], values: Values, known: Mapping[str, Any]) -> int | None:
    """How many different settings there are, conditions taken into account; None if they are not countable.

    `known` are the values of what isn't searched. Only those parameters are gone through that conditions speak of.
    """
    deciding = {condition for parameter in space.values() for condition in parameter.when}
    order = [name for name in order_by_condition(space) if name in deciding]
    others = [name for name in space if name not in deciding]
    total = 0
    for chosen in _combinations(space, values, known, order):
        sizes = [_size(values[name]) for name in others if space[name].active({**known, **chosen})]
        if None in sizes or any(values[name] is None for name in chosen):
            return None
        total += math.prod(size for size in sizes if size is not None)
    return total


def _size(values: Sequence[Any] | None) -> int | None:
    return None if values is None else len({canonical(value) for value in values})


def _combinations(
    space: Mapping[str, Parameter], values: Values, known: Mapping[str, Any], order: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """Every different combination of the parameters in `order` whose condition holds; of uncounted values, None."""
    if not order:
        yield {}
        return
    for chosen in _combinations(space, values, known, order[:-1]):
        name, possible = order[-1], values[order[-1]]
        if not space[name].active({**known, **chosen}):
            yield chosen
            continue
        for value in [None] if possible is None else {canonical(choice): choice for choice in possible}.values():
            yield {**chosen, name: value}


def draw_settings(
    space: Mapping[str, Parameter], values: Values, known: Mapping[str, Any], generator: np.random.Generator
) -> dict[str, Any]:
    """Settings with every value drawn at random, evenly if it is one of a list."""
    settings: dict[str, Any] = {}
    for name in order_by_condition(space):
        if space[name].active({**known, **settings}):
            settings[name] = _draw(space[name], values[name], generator)
    return settings


def _draw(parameter: Parameter, values: Sequence[Any] | None, generator: np.random.Generator) -> Any:
    if values is not None:
        return values[int(generator.integers(len(values)))]
    (low, high), step = parameter.bounds, _step(parameter)
    ends = (math.log(low), math.log(high)) if parameter.log else (low, high)
    sample = math.exp(generator.uniform(*ends)) if parameter.log else float(generator.uniform(*ends))
    value = min(max(nearest_step(sample, low, step) if step else sample, low), high)
    return int(value) if parameter.int_range is not None else value


def planned_trials(study: Study, known: Mapping[str, Any] | None = None) -> int | None:
    """How many trials a search has: its budget, or as many different settings as there are; None for neither.

    `known` are the values of what isn't searched (see `known_values`).
    """
    space = study.search or {}
    different = count_settings(space, values_of(study), known_values(study) if known is None else known)
    limits = [limit for limit in (study.budget.trials, different) if limit is not None]
    return min(limits, default=None)
