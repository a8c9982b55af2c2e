"""Fractions that exclusions leave without the main effect of a factor, and what would show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from saddle.design.arm import DesignError
from saddle.design.exclude import ExclusionError, without
from saddle.design.factorial import factorial
from saddle.design.fractional import RESOLUTIONS, fractional
from saddle.design.point import Point, Standing, name_of
from saddle.design.remaining import confounded
from saddle.study.ablation import Ablation
from saddle.study.values import same

FEW_ARMS = 256
"""Larger designs are not proposed instead of a fraction."""


def refuse_lost_main_effects(points: Sequence[Point], ablation: Ablation, standing: Standing) -> None:
    """Raise `ExclusionError` where the points that are left of a fraction don't tell all main effects apart."""
    moved = _moved(points, standing)
    lost = confounded(moved)
    if not lost:
        return
    factor, others = next(iter(lost.items()))
    other_level = next(level for level in ablation.factors[factor] if not same(level, standing[factor]))
    if not any(moved[factor]):
        raise ExclusionError(
            f"exclude leaves no arm with {name_of({factor: other_level})}, so nothing shows what it does; exclude less,"
            f" or take {factor} out of factors"
        )
    arms = f"{len(points)} arm{'s' * (len(points) != 1)}"
    mixed_up = f"can't be told from {_of(others)}" if others else "can't be estimated"
    raise ExclusionError(
        f"exclude leaves {arms} of this fraction, in which the main effect of {factor} {mixed_up}; exclude less"
        f"{_instead(ablation, standing)}"
    )


def _of(others: Sequence[str]) -> str:
    return f"that of {others[0]}" if len(others) == 1 else f"those of {', '.join(others[:-1])} and {others[-1]}"


def _instead(ablation: Ablation, standing: Standing) -> str:
    """A design that keeps the main effects with these exclusions."""
    wanted = ablation.design.options.resolution
    for resolution in (one for one in RESOLUTIONS if one > wanted):
        try:
            points = without(fractional(ablation.factors, standing, resolution), ablation.exclude, ablation.factors)
        except DesignError:
            break
        if len(points) <= FEW_ARMS and not confounded(_moved(points, standing)):
            design = f"{{fractional: {{resolution: {resolution}}}}}"
            return f", or use design: {design}, whose {len(points)} arms tell them apart"
    if 2 ** len(ablation.factors) <= FEW_ARMS:
        points = without(factorial(ablation.factors, standing), ablation.exclude, ablation.factors)
        there = set(zip(*_moved(points, standing).values(), strict=True))
        if all(any(_flipped(one, place) in there for one in there) for place in range(len(ablation.factors))):
            return f", or use design: factorial, whose {len(points)} arms tell them apart"
    return ", or use design: one_factor"


def _flipped(moves: tuple[bool, ...], place: int) -> tuple[bool, ...]:
    return (*moves[:place], not moves[place], *moves[place + 1 :])


def _moved(points: Sequence[Point], standing: Standing) -> Mapping[str, list[bool]]:
    """For every factor in which points it is not where the baseline has it."""
    return {factor: [not same(point.levels[factor], standing[factor]) for point in points] for factor in standing}
