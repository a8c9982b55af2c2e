"""Scales on which differences are taken: as measured, of logarithms (ratios), of log-odds (near 0 and 1)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean
from typing import Literal

ScaleName = Literal["linear", "log", "logit"]


def is_defined(value: float, scale: ScaleName) -> bool:
    """Whether the value has a place on the scale: positive for `log`, strictly between 0 and 1 for `logit`."""
    return scale == "linear" or (value > 0 and (scale == "log" or value < 1))


def to_scale(value: float, scale: ScaleName) -> float:
    """The value on the scale: itself, its natural logarithm, or ln(p / (1 - p)). Raises `ValueError` for one off it."""
    if scale == "linear":
        return value
    return math.log(value) if scale == "log" else math.log(value) - math.log1p(-value)


def from_scale(value: float, scale: ScaleName) -> float:
    """The value in the metric's own unit again."""
    if scale == "linear":
        return value
    return math.exp(value) if scale == "log" else 1 / (1 + math.exp(-value))


def mean_on(values: Sequence[float], scale: ScaleName) -> float:
    """The mean taken on the scale, in the metric's own unit: for `log` the geometric mean.

    Where a value has no place on the scale, the one that is farthest off.
    """
    off = [value for value in values if not is_defined(value, scale)]
    if off:
        return max(off, key=lambda value: abs(value - 0.5))
    return from_scale(fmean(to_scale(value, scale) for value in values), scale)


def slope(value: float, scale: ScaleName) -> float:
    """By how much the value grows for a small step on the scale, to turn widths on it into widths of the metric."""
    return 1.0 if scale == "linear" else value if scale == "log" else value * (1 - value)
