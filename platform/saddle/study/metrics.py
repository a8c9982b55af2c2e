"""What a metric measures, as far as its name says it."""

from __future__ import annotations

import re

FRACTIONS = re.compile(r"(accuracy|rate|iou|dice|f1|precision|recall|validity|fraction|share)\b")


NO_FRACTIONS = re.compile(r"(percent|percentage|pct|points)\b")


DIFFERENCES = re.compile(r"\b(gap|difference|change|drop|gain|loss|above|below|over|minus)\b")


SMALLER_IS_BETTER = re.compile(r"(loss|error|distance|gap|fid|ece|nll|brier|seconds)\b")


def is_fraction(metric: str) -> bool:
    """Whether a metric is a share of 1, to be shown in per cent and its differences in points."""
    measure = _measure(metric).replace("_", " ")
    return FRACTIONS.search(measure) is not None and NO_FRACTIONS.search(measure) is None


def range_of(metric: str) -> tuple[float, float] | None:
    """Lowest and highest value that a metric can have, where its name says so: a share's, or a difference of two."""
    if not is_fraction(metric):
        return None
    words = metric.rpartition("/")[2].replace("_", " ").replace(".", " ")
    return (-1.0 if DIFFERENCES.search(words) else 0.0, 1.0)


def too_large(metric: str, difference: float) -> str | None:
    """What is wrong with a difference in a share that no two arms can have; None where nothing is."""
    if not is_fraction(metric) or abs(difference) < 1:
        return None
    return f"{metric} is a share of 1, so {difference:g} would be {100 * difference:g} points"


def in_points(difference: float) -> str:
    """What may have been meant by a difference in a share that is too large."""
    return f"a share's unit is 1: write {difference / 100:g} for {difference:g} point{'s' * (difference != 1)}"


def guess_direction(metric: str) -> str:
    """The better direction of a metric that its trainable does not declare."""
    return "minimize" if SMALLER_IS_BETTER.search(_measure(metric).replace("_", " ")) else "maximize"


def _measure(metric: str) -> str:
    return metric.rpartition("/")[2].partition(".")[0]
