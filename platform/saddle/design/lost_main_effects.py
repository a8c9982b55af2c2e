"""Fractions that exclusions leave without the main effect of a factor, and what would show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from saddle.design.designs.factorial import combinations
from saddle.design.exclusions import Entry, without
from saddle.design.fractions import RESOLUTIONS, fraction_points
from saddle.design.least_squares import confounded
from saddle.design.point import Levels, Point, Standing, levels_name
from saddle.errors import DesignError, ExclusionError
from saddle.study.values import same

FEW_ARMS = 256
"""Larger designs are not proposed instead of a fraction."""


def refuse_lost_main_effects(
    points: Sequence[Point], factors: Levels, standing: Standing, exclude: Sequence[Entry], resolution: int
) -> None:
    """Raise `ExclusionError` if the remaining points of a fraction don't distinguish all main effects."""
    moved = _moved(points, standing)
    confounding = confounded(moved)
    if not confounding:
        return
    factor, others = next(iter(confounding.items()))
    other_level = next(level for level in factors[factor] if not same(level, standing[factor]))
    if not any(moved[factor]):
        raise ExclusionError(
            f"exclude leaves no arm with {levels_name({factor: other_level})}, so its effect can't be "
            f"estimated; exclude less, or take {factor} out of factors"
        )
    arms = f"{len(points)} arm{'s' * (len(points) != 1)}"
    mixed_up = f"can't be distinguished from {_of(others)}" if others else "can't be estimated"
    raise ExclusionError(
        f"exclude leaves {arms} of this fraction, in which the main effect of {factor} {mixed_up}; exclude less"
        f"{_instead(factors, standing, exclude, resolution)}"
    )


def _of(others: Sequence[str]) -> str:
    return f"that of {others[0]}" if len(others) == 1 else f"those of {', '.join(others[:-1])} and {others[-1]}"


def _instead(factors: Levels, standing: Standing, exclude: Sequence[Entry], wanted: int) -> str:
    """A design that keeps the main effects with these exclusions."""
    for resolution in range(wanted + 1, RESOLUTIONS.stop):
        try:
            points = without(fraction_points(factors, standing, resolution), exclude, factors)
        except DesignError:
            break
        if len(points) <= FEW_ARMS and not confounded(_moved(points, standing)):
            design = f"{{fractional: {{resolution: {resolution}}}}}"
            return f", or use design: {design}, whose {len(points)} arms distinguish them"
    if 2 ** len(factors) <= FEW_ARMS:
        points = without(combinations(factors, standing), exclude, factors)
        there = set(zip(*_moved(points, standing).values(), strict=True))
        if all(any(_flipped(moves, place) in there for moves in there) for place in range(len(factors))):
            return f", or use design: factorial, whose {len(points)} arms distinguish them"
    return ", or use design: one_factor"


def _flipped(moves: tuple[bool, ...], place: int) -> tuple[bool, ...]:
    return (*moves[:place], not moves[place], *moves[place + 1 :])


def _moved(points: Sequence[Point], standing: Standing) -> Mapping[str, list[bool]]:
    """For every factor in which points it is not where the baseline has it."""
    return {factor: [not same(point.levels[factor], standing[factor]) for point in points] for factor in standing}
