"""Full factorial: every combination of levels is an arm, so interactions can be measured."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from saddle.design.arm import Arm
from saddle.design.contrasts import Contrast, Contrasts, changed_levels, contrast_of_corners, corner_signs
from saddle.design.design import Design
from saddle.design.point import Levels, Point, Standing, levels_name, shown_name
from saddle.errors import DesignError
from saddle.study.values import canonical, readable, same

Cell = tuple[str, ...]
"""The canonical level of every factor, in the order of the study file."""

MOST_ARMS = 1024
"""A product larger than this is more likely a mistake than an ablation."""


class Factorial(Design):
    """Every combination of levels is an arm."""

    crossed = True
    figures = ("interactions",)

    def points(self, factors: Levels, standing: Standing) -> list[Point]:
        """All combinations of levels (see `combinations`)."""
        return combinations(factors, standing)

    def contrasts(self, factors: Levels, arms: Sequence[Arm]) -> Contrasts:
        """The effect of every level against the baseline's, then of every pair of levels, of two factors.

        Each is averaged over those combinations of the other factors in which the arms of both its sides exist.
        """
        return _Grid(factors, arms).contrasts()


def combinations(factors: Levels, standing: Standing) -> list[Point]:
    """All combinations of levels, the baseline's combination first.

    Raises `DesignError` if the baseline's level of a factor is not among its levels, or for more than 1,024 arms.
    """
    size = 1
    for factor, levels in factors.items():
        size *= len(levels)
        require_baseline(factor, levels, standing, "a factorial design")
        if len(levels) < 2:
            raise DesignError(f"factor {factor} has only one level; list a second one")
    if size > MOST_ARMS:
        raise DesignError(f"the factors give {size} arms, more than {MOST_ARMS}; drop a factor or some levels")
    points = []
    for combination in itertools.product(*factors.values()):
        levels_here = dict(zip(factors, combination, strict=True))
        is_baseline = all(same(level, standing[factor]) for factor, level in levels_here.items())
        points.append(Point(levels_name(levels_here), levels_here, is_baseline=is_baseline))
    return sorted(points, key=lambda point: not point.is_baseline)  # a stable sort: only the baseline moves


def require_baseline(factor: str, levels: list[object], standing: Standing, design: str) -> None:
    """Raise `DesignError` if the baseline's level is not among those listed."""
    if not any(same(level, standing[factor]) for level in levels):
        raise DesignError(
            f"{design} needs the baseline among its arms, but {factor}: {readable(standing[factor])}"
            f" is not in [{', '.join(readable(level) for level in levels)}]; add it"
        )


class _Grid:
    """The arms of a factorial design, found by their levels; some may be missing."""

    def __init__(self, factors: Levels, arms: Sequence[Arm]) -> None:
        self.factors = factors
        self.baseline = next(arm for arm in arms if arm.is_baseline).levels
        self.places: dict[Cell, int] = {
            tuple(canonical(arm.levels[factor]) for factor in factors): place for place, arm in enumerate(arms)
        }

    def contrasts(self) -> Contrasts:
        effects: list[Contrast] = []
        left_out: list[str] = []
        for levels in self.terms():
            term = " × ".join(shown_name({factor: level}) for factor, level in levels.items())
            strata, complete = list(self.strata(levels)), 0
            corners: list[list[int]] = [[] for _ in range(2 ** len(levels))]
            for stratum in strata:
                cells = [self.cell({**stratum, **corner}) for corner in self.corners(levels)]
                there = [place for place in cells if place is not None]
                if len(there) == len(cells):
                    complete += 1
                    for place, corner in zip(there, corners, strict=True):
                        corner.append(place)
            if not complete:
                left_out.append(term)
                continue
            rest = "" if complete == len(strata) else _partly(complete, len(strata))
            places = [tuple(corner) for corner in corners]
            effects.append(contrast_of_corners(term, levels, self.baseline, places, rest))
        return Contrasts(tuple(effects), tuple(left_out))

    def terms(self) -> Iterator[Standing]:
        """Every level that isn't the baseline's, then every pair of them."""
        for size in (1, 2):
            for chosen in itertools.combinations(self.factors, size):
                changes = [changed_levels(self.factors, self.baseline, factor) for factor in chosen]
                for levels in itertools.product(*changes):
                    yield dict(zip(chosen, levels, strict=True))

    def corners(self, levels: Standing) -> Iterator[Standing]:
        """The combinations of these levels with the baseline's, in the order of `corner_signs`."""
        for signs in corner_signs(len(levels)):
            moves = zip(levels.items(), signs, strict=True)
            yield {factor: level if moved else self.baseline[factor] for (factor, level), moved in moves}

    def strata(self, levels: Standing) -> Iterator[Standing]:
        others = [factor for factor in self.factors if factor not in levels]
        for combination in itertools.product(*(self.factors[factor] for factor in others)):
            yield dict(zip(others, combination, strict=True))

    def cell(self, levels: Standing) -> int | None:
        return self.places.get(tuple(canonical(levels[factor]) for factor in self.factors))


def _partly(complete: int, count: int) -> str:
    return f"averaged over {complete} of {count} combinations of the other factors; of the rest arms are excluded"
