"""Random-effects regression of means on a predictor, with an intercept for each family; many regressions together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy

from saddle.analyse.statistics.paired.paired_t import Floats
from saddle.analyse.statistics.regression.paule_mandel import between_variance, least_variance, weights_of
from saddle.analyse.statistics.t_distribution import critical_t, two_sided_p

ROUNDING = 1e-24
"""A sum of squares about means that is smaller than this share of that of the values themselves is due to rounding."""


@dataclass(frozen=True, eq=False)
class Slopes:
    """Fitted slopes, arrays of one shape (...,), and the `weights` (..., k) of the points.

    `error` is the standard error of Knapp & Hartung (2003), `freedom` the residual degrees of freedom (below 1, error
    and p are NaN), `tau2` the variance of the true values about their lines. Where the predictor does not vary within
    families the slope is NaN.
    """

    slope: Floats
    error: Floats
    freedom: Floats
    tau2: Floats
    weights: Floats

    @property
    def t(self) -> Floats:
        return self.slope / self.error

    @property
    def p(self) -> Floats:
        """Two-sided p of no slope."""
        return np.asarray(two_sided_p(self.t, np.maximum(self.freedom, 1)), dtype=float)

    def interval(self, alpha: float) -> tuple[Floats, Floats]:
        """The two-sided intervals at level 1 - alpha."""
        half = critical_t(np.maximum(self.freedom, 1), alpha) * self.error
        return self.slope - half, self.slope + half


def membership(codes: Any) -> Floats:
    """Which point belongs to which family, (families, k) of 0 and 1, from a label for each point."""
    labels = np.asarray(codes)
    return np.asarray(labels == np.unique(labels)[:, None], dtype=float)


def centred(values: Floats, weights: Floats, families: Floats) -> Floats:
    """Values (..., k) less the weighted mean of their family."""
    whole = weights @ families.T
    means = ((weights * values) @ families.T) / np.where(whole > 0, whole, 1.0)
    return values - means @ families


def fit_slopes(x: Floats, y: Floats, noise: Floats, families: Floats, counted: Any = None) -> Slopes:
    """Slopes of y on x with weights 1/(τ² + noise); x, y, noise, counted: (..., k), families: (families, k).

    τ² is that of Paule & Mandel on the residual degrees of freedom; the interval is that of Knapp & Hartung (2003),
    Statistics in Medicine 22, whose factor is at least 1. `counted` is 0 for points that take no part.
    """
    x, y, noise, taking_part = np.broadcast_arrays(x, y, noise, 1.0 if counted is None else counted)
    freedom = taking_part.sum(-1) - ((taking_part @ families.T) > 0).sum(-1) - 1.0
    # once without weights, so that values far from 0 lose no digits at every step
    x_near, y_near = centred(x, taking_part, families), centred(y, taking_part, families)
    smallest = least_variance((taking_part * y_near**2).sum(-1))

    def parts(weights: Floats) -> tuple[Floats, Floats, Floats]:
        """The slope, the residuals and the weighted sum of squares of x."""
        away, gain = centred(x_near, weights, families), centred(y_near, weights, families)
        spread = (weights * away**2).sum(-1)
        spread = np.where(spread > ROUNDING * (weights * x**2).sum(-1), spread, np.nan)
        slope = (weights * away * gain).sum(-1) / spread
        return slope, gain - np.nan_to_num(slope)[..., None] * away, spread

    tau2 = between_variance(lambda weights: parts(weights)[1], noise, taking_part, freedom, smallest)
    weights = weights_of(tau2, noise, taking_part, smallest)
    slope, residuals, spread = parts(weights)
    factor = np.maximum((weights * residuals**2).sum(-1) / np.maximum(freedom, 1), 1.0)
    error = np.sqrt(factor / spread)
    return Slopes(slope, np.where(freedom >= 1, error, np.nan), freedom, tau2, weights)


def slopes_by_family(x: Floats, y: Floats, weights: Floats, families: Floats) -> tuple[Floats, float]:
    """The slope of each family (families,), and the p of the F test that they are equal; x, y, weights: (k,).

    NaN for a family in which x does not vary; p is NaN with fewer than two others, or no residual degree of freedom.
    The weights are those of the fit with one slope.
    """
    away, gains = centred(x, weights, families), centred(y, weights, families)
    spreads = families @ (weights * away**2)
    spreads = np.where(spreads > ROUNDING * (families @ (weights * x**2)), spreads, np.nan)
    slopes = (families @ (weights * away * gains)) / spreads
    common = np.nansum(spreads * slopes) / np.nansum(spreads)
    between = float(np.nansum(spreads * (slopes - common) ** 2))
    varying = int(np.isfinite(slopes).sum())
    freedom = families.shape[1] - len(families) - varying
    if varying < 2 or freedom < 1:
        return slopes, float("nan")
    residual = float(weights @ (gains - (np.nan_to_num(slopes) @ families) * away) ** 2)
    share = between / (varying - 1) / max(residual / freedom, 1e-12 * between, 1e-300)
    return slopes, float(scipy.special.fdtrc(varying - 1, freedom, share))


def fit_without_each(x: Floats, y: Floats, noise: Floats, families: Floats) -> Slopes:
    """The fits with each point left out; arrays have the shape of x, (..., k), and weights (..., k, k)."""
    others = 1.0 - np.eye(families.shape[1])
    return fit_slopes(x[..., None, :], y[..., None, :], noise[..., None, :], families, others)
