"""Full factorial: every combination of levels is an arm, so interactions can be measured."""

from __future__ import annotations

import itertools

from saddle.design.arm import DesignError
from saddle.design.point import Levels, Point, Standing, name_of
from saddle.study.values import readable, same

MOST_ARMS = 1024
"""A product larger than this is a slip of the pen rather than an ablation."""


def factorial(factors: Levels, standing: Standing) -> list[Point]:
    """All combinations of levels, the baseline's combination first.

    Raises `DesignError` where the baseline's level of a factor is not among its levels, or for more than 1,024 arms.
    """
    size = 1
    for factor, levels in factors.items():
        size *= len(levels)
        require_baseline(factor, levels, standing, "a factorial design")
        if len(levels) < 2:
            raise DesignError(f"factor {factor} has nothing to vary; list a second level")
    if size > MOST_ARMS:
        raise DesignError(f"the factors multiply to {size} arms, more than {MOST_ARMS}; drop a factor or some levels")
    points = []
    for combination in itertools.product(*factors.values()):
        levels_here = dict(zip(factors, combination, strict=True))
        is_baseline = all(same(level, standing[factor]) for factor, level in levels_here.items())
        points.append(Point(name_of(levels_here), levels_here, is_baseline=is_baseline))
    return sorted(points, key=lambda point: not point.is_baseline)  # a stable sort: only the baseline moves


def require_baseline(factor: str, levels: list[object], standing: Standing, design: str) -> None:
    """Raise `DesignError` where the baseline's level is not among those listed."""
    if not any(same(level, standing[factor]) for level in levels):
        raise DesignError(
            f"{design} wants the baseline among its arms, but {factor}: {readable(standing[factor])}"
            f" is not in [{', '.join(readable(level) for level in levels)}]; add it"
        )
