"""The fitted lines, one for each family, with their confidence and prediction intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from saddle.analyse.relations.estimates import UnitData
from saddle.analyse.statistics.regression.meta_regression import Slopes, slopes_by_family
from saddle.analyse.statistics.t_distribution import critical_t


@dataclass(frozen=True)
class LinePoint:
    """A family's line at one x: its height, the interval of that, and the one for a further unit's true gain."""

    x: float
    y: float
    low: float
    high: float
    predicted_low: float
    predicted_high: float


@dataclass(frozen=True)
class FamilyLine:
    """The line of one family through its weighted mean (x, y), over the range of its units.

    `slope` is that of all families, `own_slope` that of this one alone, None where x does not vary in it. `error` is
    the standard error of `y`, `slope_error` that of the slope, `critical` the critical value of t that makes intervals
    of them; NaN without residual degrees of freedom.
    """

    family: str
    x: float
    y: float
    slope: float
    own_slope: float | None
    least_x: float
    largest_x: float
    error: float
    slope_error: float
    tau: float
    critical: float

    def at(self, x: float) -> LinePoint:
        """The line at x; its ends are NaN without residual degrees of freedom."""
        y = self.y + self.slope * (x - self.x)
        error = math.hypot(self.error, (x - self.x) * self.slope_error)
        half, wide = self.critical * error, self.critical * math.hypot(error, self.tau)
        return LinePoint(x, y, y - half, y + half, y - wide, y + wide)

    @property
    def centre(self) -> LinePoint:
        """The line at the family's mean of x, where its intervals are narrowest."""
        return self.at(self.x)


def family_lines(data: UnitData, fit: Slopes, alpha: float) -> tuple[FamilyLine, ...]:
    """A line for each family, in the order of their labels."""
    own_slopes, _ = slopes_by_family(data.x, data.y, fit.weights, data.families)
    critical = float(critical_t(fit.freedom, alpha)) if fit.freedom >= 1 else math.nan
    lines = []
    for label, members, own in zip(data.labels, data.families > 0, own_slopes, strict=True):
        weights = fit.weights[members]
        x, y = (float(np.average(values[members], weights=weights)) for values in (data.x, data.y))
        ends = float(data.x[members].min()), float(data.x[members].max())
        # The factor of Knapp & Hartung is 1 with the τ² of Paule & Mandel, as it is not allowed below 1.
        error = 1 / math.sqrt(float(weights.sum()))
        slope, tau = float(fit.slope), math.sqrt(float(fit.tau2))
        own_slope = None if math.isnan(own) else float(own)
        lines.append(FamilyLine(label, x, y, slope, own_slope, *ends, error, float(fit.error), tau, critical))
    return tuple(lines)
