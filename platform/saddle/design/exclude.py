"""Combinations of levels that no arm may have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from saddle.design.arm import DesignError
from saddle.design.point import Levels, Point, Standing
from saddle.design.values import readable, same
from saddle.study.problems import nearest


class ExclusionError(DesignError):
    """An exclusion that can't be kept."""


Entry = Mapping[str, Any]
"""Factors with a level, or with a list of levels; a point matches where all of them do."""


def without(points: Sequence[Point], exclude: Sequence[Entry], factors: Levels) -> list[Point]:
    """The points that no entry matches.

    Raises `ExclusionError` for an unknown factor or level, and where the baseline itself matches.
    """
    if not exclude:
        return list(points)
    standing = next(point.levels for point in points if point.is_baseline)
    for entry in exclude:
        refuse_unknown(entry, factors, standing)
    kept = []
    for point in points:
        entry = next((entry for entry in exclude if _matches(point.levels, entry, factors, standing)), {})
        if entry and point.is_baseline:
            raise ExclusionError(f"exclude rules out the baseline: {_shown(entry)}; every arm is compared with it")
        if not entry:
            kept.append(point)
    return kept


def refuse_unknown(entry: Entry, factors: Levels, standing: Standing) -> None:
    """Raise `ExclusionError` where an entry names a factor or a level that there isn't."""
    for factor, wanted in entry.items():
        if factor not in factors:
            raise ExclusionError(f"exclude names {factor}, which is no factor{_hint(factor, factors)}")
        known = [*factors[factor], *([standing[factor]] if factor in standing else [])]
        for level in _levels(wanted, known):
            if not any(same(level, other) for other in known):
                listed = ", ".join(readable(other) for other in factors[factor])
                raise ExclusionError(
                    f"exclude names {factor}: {readable(level)}, which is none of its levels ({listed})"
                    f"{_hint(readable(level), map(readable, known))}"
                )


def _matches(levels: Standing, entry: Entry, factors: Levels, standing: Standing) -> bool:
    return all(
        any(same(levels[factor], level) for level in _levels(wanted, [*factors[factor], standing[factor]]))
        for factor, wanted in entry.items()
    )


def _levels(wanted: Any, known: Sequence[Any]) -> list[Any]:
    """A list is one level where the factor has that level (such as a list of tasks), else several levels."""
    if isinstance(wanted, list) and not any(same(wanted, level) for level in known):
        return wanted
    return [wanted]


def _shown(entry: Entry) -> str:
    return "{" + ", ".join(f"{factor}: {readable(level)}" for factor, level in entry.items()) + "}"


def _hint(name: str, names: Any) -> str:
    near = nearest(name, names)
    return f"; did you mean {near}?" if near else ""
