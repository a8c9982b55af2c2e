"""Means over blocks that stand for others, such as datasets: their spread is what an average over them is judged by."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

FEWEST_BLOCKS = 3
"""With two blocks an interval over them has one degree of freedom."""


@dataclass(frozen=True)
class BlockMeans:
    """The mean over `blocks` block means, its t interval, and the interval that the mean of another block lies in.

    `tau` is the standard deviation of the blocks' true means, of which the seeds' noise is taken out (Paule & Mandel,
    1982). All in the unit of the means, at level 1 - alpha.
    """

    blocks: int
    mean: float
    low: float
    high: float
    tau: float
    predicted_low: float
    predicted_high: float


def block_means(means: Sequence[float], variances: Sequence[float], alpha: float = 0.05) -> BlockMeans:
    """From the mean of each block over its seeds, and the variance of that mean.

    The interval of the average is a t interval over the blocks' means: each of them is one observation, however many
    seeds it has. The prediction interval adds `tau` to it (Higgins, Thompson & Spiegelhalter, 2009, JRSS A 172). Raises
    `ValueError` for fewer than three blocks.
    """
    values = np.asarray(means, dtype=float)
    k = len(values)
    if k < FEWEST_BLOCKS:
        raise ValueError(f"an interval over blocks needs at least {FEWEST_BLOCKS} of them, not {k}")
    mean, error = float(values.mean()), float(values.std(ddof=1)) / math.sqrt(k)
    tau = math.sqrt(between_variance(values, np.asarray(variances, dtype=float)))
    half = float(stats.t.isf(alpha / 2, k - 1)) * error
    wide = float(stats.t.isf(alpha / 2, k - 1)) * math.hypot(error, tau)
    return BlockMeans(k, mean, mean - half, mean + half, tau, mean - wide, mean + wide)


def between_variance(means: Sequence[float] | np.ndarray, variances: Sequence[float] | np.ndarray) -> float:
    """The variance of the blocks' true means: that with which their weighted residuals have the size they should.

    (Paule & Mandel, 1982, Journal of Research of the National Bureau of Standards 87.)
    """
    values, noise = np.asarray(means, dtype=float), np.asarray(variances, dtype=float)

    def excess(tau2: float) -> float:
        weights = 1 / np.maximum(tau2 + noise, 1e-300)
        centre = (weights * values).sum() / weights.sum()
        return float((weights * (values - centre) ** 2).sum()) - (len(values) - 1)

    top = float(values.var(ddof=1))
    if top == 0 or excess(0.0) <= 0:
        return 0.0
    while excess(top) > 0:  # the variance of the means is about the largest that it can be
        top *= 2
    return float(optimize.brentq(excess, 0.0, top))
