"""Simulated studies in which one arm is skewed and the baseline is not: what intervals miss, and the verdicts.

A replicate of the skewed arm is log-normal (its logarithm has standard deviation 1); a baseline's is normal, with a
quarter of its spread, or log-normal with a quarter of it on the logarithm. A seed's equal effect on both arms cancels
in their difference and is left out. The true difference is zero on the scale that is compared: of means, or of mean
logarithms.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict, dataclass

import numpy as np

from saddle.analyse.arms.spread_cautions import dominant, spread_ratio
from saddle.analyse.arms.verdict import Intervals, Verdict, decide
from saddle.analyse.statistics.paired.paired_t import paired_t
from saddle.analyse.statistics.scales import ScaleName

SIGMA = 1.0
QUARTER = 0.25
ALPHA = 0.05
MEAN = math.exp(SIGMA**2 / 2)
SD = MEAN * math.sqrt(math.expm1(SIGMA**2))


@dataclass(frozen=True)
class Row:
    """Shares of simulated studies, for one number of seeds and one scale of comparison."""

    shape: str
    scale: ScaleName
    seeds: int
    studies: int
    misses: float
    """Intervals that leave out the true difference, zero."""
    helps: float
    hurts: float
    no_difference: float
    cautioned: float
    """Studies with a caution about spread or a seed."""
    claims_cautioned: float
    """Of the false claims, those with a caution."""

    def facts(self) -> dict[str, object]:
        """As a row of a table, shares in per cent."""
        return {
            name: round(100 * value, 1) if isinstance(value, float) else value for name, value in asdict(self).items()
        }


def draw(shape: str, scale: ScaleName, seeds: int, studies: int) -> tuple[np.ndarray, np.ndarray]:
    """Arm and baseline on the compared scale, (studies, seeds) each, with equal means there."""
    generator = np.random.default_rng([seeds, studies])
    size = (studies, seeds)
    if shape == "normal":
        return generator.standard_normal(size), generator.standard_normal(size)
    logs = SIGMA * generator.standard_normal(size)
    if scale == "log":
        return logs, QUARTER * SIGMA * generator.standard_normal(size)
    return np.exp(logs) - MEAN, QUARTER * SD * generator.standard_normal(size)


def simulate(shape: str, scale: ScaleName, seeds: int, studies: int) -> Row:
    """Judge every simulated study as a study of one arm."""
    arms, baselines = draw(shape, scale, seeds, studies)
    low, high = paired_t(arms - baselines).interval(ALPHA)
    words: Counter[Verdict] = Counter()
    cautioned = claimed_and_cautioned = 0
    for arm, baseline, interval in zip(arms, baselines, zip(low, high, strict=True), strict=True):
        verdict = decide(Intervals(interval, interval), "maximize")
        words[verdict] += 1
        apart = dominant(dict(enumerate(arm - baseline))) is not None
        caution = apart or spread_ratio(arm, baseline) is not None
        cautioned += caution
        claimed_and_cautioned += caution and verdict is not Verdict.NO_DIFFERENCE
    helps, hurts = words[Verdict.HELPS], words[Verdict.HURTS]
    return Row(
        shape, scale, seeds, studies, float(((low > 0) | (high < 0)).mean()), helps / studies, hurts / studies,
        words[Verdict.NO_DIFFERENCE] / studies, cautioned / studies, claimed_and_cautioned / max(1, helps + hurts),
    )  # fmt: skip
