"""Means over blocks that are a sample of others, such as datasets: their spread gives the error of their average."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from saddle.analyse.statistics.paired.paired_t import Floats
from saddle.analyse.statistics.regression.paule_mandel import between_variance as paule_mandel
from saddle.analyse.statistics.regression.paule_mandel import least_variance
from saddle.analyse.statistics.t_distribution import critical_t

FEWEST_BLOCKS = 3
"""With two blocks an interval over them has one degree of freedom."""


@dataclass(frozen=True)
class BlockMeans:
    """The mean over `blocks` block means, its t interval, and the prediction interval for the mean of another block.

    `tau` is the standard deviation of the blocks' true means, without the seeds' noise (Paule & Mandel,
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

    The interval of the average is a t interval over the blocks' means: each of them is one observation, for any number
    of seeds. The prediction interval adds `tau` to it (Higgins, Thompson & Spiegelhalter, 2009, JRSS A 172). Raises
    `ValueError` for fewer than three blocks.
    """
    values = np.asarray(means, dtype=float)
    k = len(values)
    if k < FEWEST_BLOCKS:
        raise ValueError(f"an interval over blocks needs at least {FEWEST_BLOCKS} of them, not {k}")
    mean, error = float(values.mean()), float(values.std(ddof=1)) / math.sqrt(k)
    tau = math.sqrt(between_variance(values, np.asarray(variances, dtype=float)))
    half = float(critical_t(k - 1, alpha)) * error
    wide = float(critical_t(k - 1, alpha)) * math.hypot(error, tau)
    return BlockMeans(k, mean, mean - half, mean + half, tau, mean - wide, mean + wide)


def between_variance(means: Floats, variances: Floats) -> float:
    """The variance of the blocks' true means, from their means and the variances of these, (blocks,)."""
    counted = np.ones_like(means)

    def about_the_mean(weights: Floats) -> Floats:
        return np.asarray(means - np.average(means, weights=weights), dtype=float)

    smallest = least_variance(np.asarray((about_the_mean(counted) ** 2).sum()))
    return float(paule_mandel(about_the_mean, variances, counted, np.asarray(len(means) - 1.0), smallest))
