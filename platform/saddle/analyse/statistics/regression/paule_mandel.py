"""The variance between true values: the one with which weighted residuals have their expected size.

Paule & Mandel (1982), Journal of Research of the National Bureau of Standards 87; for regressions DerSimonian & Kacker
(2007), Contemporary Clinical Trials 28.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from saddle.analyse.statistics.paired.paired_t import Floats

MOST_STEPS = 100
TOLERANCE = 1e-12
"""Of the weighted sum of squares, as a share of the degrees of freedom."""


def between_variance(
    residuals: Callable[[Floats], Floats], noise: Floats, counted: Floats, freedom: Floats, smallest: Floats
) -> Floats:
    """The variance τ² for which Σ (residual²)/(τ² + noise) equals `freedom`, 0 if it is smaller already; (...,).

    `residuals` takes weights (..., k) and returns the residuals of the weighted fit with them, of that shape; `noise`
    are the variances of the values, of which none counts as less than `smallest`; `counted` is 0 for values that take
    no part, else 1. Where `freedom` is below 1, τ² is 0.

    The sum is a convex, falling function of τ² with the derivative -Σ w² residual², so Newton's steps from its left
    never pass the root. It is at least (sum of unweighted squares)/(τ² + largest noise), which gives the start.
    """
    squares = (counted * residuals(counted) ** 2).sum(-1)
    enough = np.maximum(freedom, 1)
    largest = np.where(counted > 0, noise, 0.0).max(-1)
    tau2 = np.maximum(squares / enough - largest, 0.0)
    for _ in range(MOST_STEPS):
        weights = weights_of(tau2, noise, counted, smallest)
        scaled = weights * residuals(weights)
        excess = (scaled**2 / np.where(counted > 0, weights, 1.0)).sum(-1) - enough
        going = (excess > TOLERANCE * enough) & (freedom >= 1)
        if not going.any():
            break
        tau2 = np.where(going, tau2 + excess / np.maximum((scaled**2).sum(-1), 1e-300), tau2)
    return np.where(freedom >= 1, tau2, 0.0)


def weights_of(tau2: Floats, noise: Floats, counted: Floats, smallest: Floats) -> Floats:
    """1/(τ² + noise) of the values that take part, else 0; variances below `smallest` count as that."""
    return counted / np.maximum(tau2[..., None] + noise, smallest[..., None])


def least_variance(squares: Floats) -> Floats:
    """A variance too small to matter in these sums of squares, for weights of values without any; 1 if they are 0."""
    return np.where(squares > 0, 1e-12 * squares, 1.0)
