"""The slope of a line with an interval that holds where the spread changes along it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from saddle.analyse.statistics.paired.paired_t import Floats
from saddle.analyse.statistics.t_distribution import critical_t

FEWEST_POINTS = 6


class Slope(NamedTuple):
    """A slope, and the ends of its interval."""

    value: float
    low: float
    high: float


def robust_slope(x: Floats, y: Floats, alpha: float) -> Slope | None:
    """The least-squares slope of y on x, both (n,), with its t interval of n - 2 degrees of freedom.

    Its standard error is HC3 (MacKinnon and White, 1985). None with fewer than `FEWEST_POINTS` points, or where all x
    are equal.
    """
    n = len(x)
    centred = x - x.mean()
    square = float(centred @ centred)
    if n < FEWEST_POINTS or square == 0.0:
        return None
    slope = float(centred @ y) / square
    residuals = y - y.mean() - slope * centred
    leverage = np.minimum(1 / n + centred**2 / square, 1 - 1e-9)
    error = float(np.sqrt(np.sum((centred * residuals / (1 - leverage)) ** 2))) / square
    half = float(critical_t(n - 2, alpha)) * error
    return Slope(slope, slope - half, slope + half)
