"""Sizes that a metric can't have, in words."""

from __future__ import annotations

from trainables.contract import Metric


def too_large(metric: Metric, difference: float) -> str | None:
    """What is wrong with a difference in a share that no two arms can have; None where nothing is."""
    if not metric.is_fraction or abs(difference) < 1:
        return None
    return f"{metric} is a share of 1, so {difference:g} would be {100 * difference:g} points"


def in_points(difference: float) -> str:
    """What may have been meant by a difference in a share that is too large."""
    return f"a share's unit is 1: write {difference / 100:g} for {difference:g} point{'s' * (difference != 1)}"
