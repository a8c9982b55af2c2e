"""Full factorial: every combination of levels is an arm, so interactions can be measured."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from saddle.design.arm import Arm, DesignError, change, name_of
from saddle.design.values import readable, same

MOST_ARMS = 1024
"""A product larger than this is a slip of the pen rather than an ablation."""


def factorial(factors: Mapping[str, list[Any]], baseline: Mapping[str, Any]) -> list[Arm]:
    """All combinations of levels, the baseline's combination first.

    Raises `DesignError` where the baseline's level of a factor is not among its levels, or for more than 1,024 arms.
    """
    size = 1
    for factor, levels in factors.items():
        size *= len(levels)
        if not any(same(level, baseline[factor]) for level in levels):
            raise DesignError(
                f"a factorial design wants the baseline among its arms, but {factor}: {readable(baseline[factor])}"
                f" is not in [{', '.join(readable(level) for level in levels)}]; add it"
            )
        if len(levels) < 2:
            raise DesignError(f"factor {factor} has nothing to vary; list a second level")
    if size > MOST_ARMS:
        raise DesignError(f"the factors multiply to {size} arms, more than {MOST_ARMS}; drop a factor or some levels")
    arms = []
    for combination in itertools.product(*factors.values()):
        levels_here = dict(zip(factors, combination, strict=True))
        is_baseline = all(same(level, baseline[factor]) for factor, level in levels_here.items())
        arms.append(Arm(name_of(levels_here), change(baseline, levels_here), is_baseline=is_baseline))
    return sorted(arms, key=lambda arm: not arm.is_baseline)  # a stable sort: only the baseline moves
