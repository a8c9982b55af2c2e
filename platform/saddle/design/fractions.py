"""Regular fractions of two-level factorial designs: fewer arms, for effects that are mixed up with each other.

The fraction is pyDOE's of the fewest arms with the resolution asked for; of the fractions with so many arms the one
that mixes up the fewest effects of low order, where that can be searched (minimum aberration; Fries & Hunter, 1980,
Technometrics 22). Signs are flipped so that the baseline's combination is among the arms.
"""

from __future__ import annotations

import itertools
import math
from functools import lru_cache
from typing import Any

from saddle.design.designs.factorial import MOST_ARMS, require_baseline
from saddle.design.point import Levels, Point, Standing, levels_name
from saddle.errors import DesignError
from saddle.study.values import readable, same

MOST_FACTORS = 20
MOST_SEARCHED = 300_000
"""Effects looked at in the search for the fraction with the least aliasing: about half a second."""
RESOLUTIONS = range(3, 9)

Changed = tuple[bool, ...]
"""For every factor whether it is at its other level than the baseline's."""


def fraction_points(factors: Levels, standing: Standing, resolution: int) -> list[Point]:
    """The fraction's arms, the baseline's combination first.

    Raises `DesignError` if a factor has not exactly two levels, the baseline's among them, or where there is no
    fraction with this resolution; the message says which there are.
    """
    others = {factor: other_level(factor, levels, standing) for factor, levels in factors.items()}
    points = []
    for changed in fraction(len(factors), resolution):
        where = {
            factor: others[factor] if moved else standing[factor]
            for factor, moved in zip(factors, changed, strict=True)
        }
        points.append(Point(levels_name(where), where, is_baseline=not any(changed)))
    return points


def other_level(factor: str, levels: list[Any], standing: Standing) -> Any:
    """The level that isn't the baseline's; raises `DesignError` if there isn't exactly one."""
    if len(levels) != 2:
        raise DesignError(
            f"a fractional design needs two levels of every factor, and {factor} has {len(levels)}:"
            f" {', '.join(readable(level) for level in levels)}; keep two of them, or use design: factorial"
        )
    require_baseline(factor, levels, standing, "a fractional design")
    return next(level for level in levels if not same(level, standing[factor]))


@lru_cache(maxsize=32)
def fraction(count: int, resolution: int) -> tuple[Changed, ...]:
    """The arms of `count` factors, the baseline's first; raises `DesignError` if that is not a fraction of all."""
    if count > MOST_FACTORS:
        raise DesignError(f"{count} factors are too many for a fractional design; at most {MOST_FACTORS} are possible")
    arms = _smallest(count, resolution)
    if len(arms) == 2**count:
        raise DesignError(
            f"{count} factors have no fraction of resolution {resolution}: it would be all {len(arms)} combinations;"
            f" {_possible(count)}"
        )
    if len(arms) > MOST_ARMS:
        raise DesignError(
            f"{count} factors take {len(arms)} arms at resolution {resolution}, more than {MOST_ARMS};"
            f" {_possible(count)}"
        )
    return arms


def resolution_of(arms: tuple[Changed, ...]) -> int | None:
    """The length of the shortest word in the defining relation; None for the full factorial, which has none."""
    columns = [_bits(column) for column in zip(*arms, strict=True)]
    everywhere = (1 << len(arms)) - 1
    for length in range(1, len(columns) + 1):
        for word in itertools.combinations(columns, length):
            product = 0
            for column in word:
                product ^= column
            if product in (0, everywhere):
                return length
    return None


def _smallest(count: int, resolution: int) -> tuple[Changed, ...]:
    """The smallest design of at least this resolution, which may be the full factorial."""
    from pydoe import fracfact, fracfact_by_res, fracfact_opt

    if count < 2:
        return ((False,), (True,))[: 2**count]
    signs = fracfact_by_res(count, resolution)
    basic = int(math.log2(len(signs)))
    erased = count - basic
    if erased and math.comb(2**basic - basic - 1, erased) * 2**count <= MOST_SEARCHED:
        signs = fracfact(fracfact_opt(count, erased)[0])
    # the product with the first row makes it the baseline: no factor changed
    return tuple(tuple(bool(sign != first) for sign, first in zip(row, signs[0], strict=True)) for row in signs)


def _possible(count: int) -> str:
    """Which fractions there are, for a message."""
    sizes: dict[int, int] = {}
    for resolution in RESOLUTIONS:
        arms = len(_smallest(count, resolution))
        if arms < 2**count and arms <= MOST_ARMS:
            sizes[arms] = max(resolution, sizes.get(arms, 0))
    if not sizes:
        return "use design: factorial"
    listed = ", ".join(f"{resolution} in {arms} arms" for arms, resolution in sizes.items())
    return f"possible: {listed}; or use design: factorial"


def _bits(column: tuple[bool, ...]) -> int:
    return sum(1 << row for row, changed in enumerate(column) if changed)
