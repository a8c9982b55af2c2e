"""Names of metrics by patterns, and sizes that a metric can't have."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from trainables.contract import Metric


def matching(patterns: Iterable[str], names: Iterable[str]) -> list[str]:
    """The names that any pattern matches, in the order of the patterns; `*` matches any text."""
    ordered = sorted(names)
    return list(dict.fromkeys(name for pattern in patterns for name in ordered if fnmatchcase(name, pattern)))


def too_large(metric: Metric, difference: float) -> str | None:
    """What is wrong with a difference in a share that no two arms can have; None if nothing is."""
    if not metric.is_fraction or abs(difference) < 1:
        return None
    return f"{metric} is a share of 1, so {difference:g} would be {100 * difference:g} points"


def in_points(difference: float) -> str:
    """What may have been meant by a difference in a share that is too large."""
    return f"a share's unit is 1: write {difference / 100:g} for {difference:g} point{'s' * (difference != 1)}"
