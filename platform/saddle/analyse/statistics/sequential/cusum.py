"""A self-starting CUSUM: batches of normal values, each ranked among all earlier ones, and how often it alarms falsely.

A batch's mean is standardised by the mean and spread of earlier values, and its t is taken to the normal scale.
While nothing changes these scores are independent standard normal, exactly and from the second batch on (Hawkins, 1987,
The Statistician 36), so that the sum of what is worse than half a standard deviation is a Markov chain, whose chance to
cross a limit is found by integration.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import scipy

from saddle.analyse.statistics.paired.paired_t import Floats, has_spread

ALLOWANCE = 0.5
"""By how much a batch may be worse without adding to the sum, in standard deviations of its score."""

FARTHEST = 8.0
"""Scores are kept within it: beyond, the t distribution has no mass that floats could distinguish from 0."""

CELLS = 300
"""Cells of the integration's grid; four times as many move a limit by less than 0.002."""

MONTH = 30
"""Nights."""


def t_rank_score(batch: Sequence[float], earlier: Sequence[float]) -> float | None:
    """The normal score of a batch's mean among earlier values; None below two of these, or without spread in them.

    t = (mean - earlier mean) / (s √(1/n + 1/N)) on N - 1 degrees of freedom.
    """
    if not batch or len(earlier) < 2 or not has_spread(earlier):
        return None
    n, before = len(batch), len(earlier)
    values = np.asarray(earlier, dtype=float)
    error = float(values.std(ddof=1)) * math.sqrt(1 / n + 1 / before)
    t = (float(np.mean(batch)) - float(values.mean())) / error
    score = math.copysign(float(scipy.special.ndtri(scipy.special.stdtr(before - 1, -abs(t)))), t)
    return max(-FARTHEST, min(FARTHEST, score))


def next_sum(before: float, score: float) -> float:
    """The sum after a batch whose score is negative if it is worse (Page, 1954, Biometrika 41)."""
    return max(0.0, before - score - ALLOWANCE)


def alarm_chance(limit: float, batches: int, shift: float = 0.0) -> float:
    """The chance that the sum exceeds `limit` within so many scores, each normal with mean `shift`."""
    edges = np.linspace(0.0, limit, CELLS + 1)
    places = np.concatenate([[0.0], (edges[1:] + edges[:-1]) / 2])
    reached = scipy.special.ndtr(edges[np.newaxis, :] - (places[:, np.newaxis] - shift - ALLOWANCE))
    steps = np.hstack([reached[:, :1], np.diff(reached, axis=1)])
    mass: Floats = np.zeros(len(places))
    mass[0] = 1.0
    for _ in range(batches):
        mass = mass @ steps
    return float(1 - mass.sum())


@lru_cache(maxsize=64)
def alarm_limit(streams: int, chance: float = 0.05, batches: int = MONTH) -> float:
    """The limit at which any of so many independent streams alarms falsely with `chance` within `batches`.

    For dependent streams, such as metrics of one arm, the chance is smaller.
    """
    wanted = -math.expm1(math.log1p(-chance) / streams)
    return float(scipy.optimize.brentq(lambda limit: alarm_chance(limit, batches) - wanted, 0.1, 40.0, xtol=1e-6))


@lru_cache(maxsize=256)
def batches_to_alarm(
    drop: float, size: int, limit: float, before: int = MONTH, most: int = 2 * MONTH, runs: int = 2_000
) -> float:
    """The median number of batches of `size` until a drop is noticed, in standard deviations of a value.

    Simulated with fixed random numbers, from a drop that follows `before` batches; infinite beyond `most`. Values
    after the drop join those that later batches are compared with, so a small one may never be noticed.
    """
    values = np.random.default_rng(17).standard_normal((runs, before + most, size))
    values[:, before:] -= drop
    scores = _scores(values.reshape(runs, -1), size)
    sums = np.zeros(runs)
    waited = np.full(runs, math.inf)
    unscored = before + most - scores.shape[1]
    for batch in range(unscored, before + most):
        sums = np.maximum(0.0, sums - scores[:, batch - unscored] - ALLOWANCE)
        if batch < before:
            sums[sums > limit] = 0.0  # a false alarm before the drop, which was accepted
        else:
            waited = np.where(sums > limit, np.minimum(waited, batch - before + 1), waited)
    return float(np.median(waited))


def _scores(values: Floats, size: int) -> Floats:
    """The scores (runs, batches) of values (runs, batches · size), from the first batch on that two values precede."""
    counts = np.arange(max(1, math.ceil(2 / size)), values.shape[1] // size) * size  # one value has no spread
    sums, squares = np.cumsum(values, axis=1), np.cumsum(values**2, axis=1)
    ends = counts - 1
    mean = sums[:, ends] / counts
    spread = np.sqrt((squares[:, ends] - counts * mean**2) / (counts - 1))
    batch = (sums[:, ends + size] - sums[:, ends]) / size
    t = (batch - mean) / (spread * np.sqrt(1 / size + 1 / counts))
    scores = np.copysign(scipy.special.ndtri(scipy.special.stdtr(counts - 1, -np.abs(t))), t)
    return np.asarray(np.clip(scores, -FARTHEST, FARTHEST))
