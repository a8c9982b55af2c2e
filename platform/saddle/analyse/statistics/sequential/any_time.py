"""A paired t test that may be looked at after any number of seeds: an e-value, and the bound that follows from it.

With the right-Haar prior on the standard deviation and a normal prior of `SPREAD` standard deviations on the mean, the
mixture of the t statistic's likelihood ratios is a test martingale under the null hypothesis (Robbins, 1970, Annals of
Mathematical Statistics 41; Wang & Ramdas, 2025, Statistica Sinica 35, for the t test). So the chance that it ever
reaches 1/α is at most α, for any rule of when to stop (Ville's inequality).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from saddle.analyse.statistics.paired.paired_t import Floats, PairedT, paired_t

SPREAD = 2.0
"""The prior standard deviation of the mean, in standard deviations of a difference."""

LARGEST_T = 1e9


def log_e_value(t: float, n: int, spread: float = SPREAD) -> float:
    """The logarithm of the e-value of the t statistic of `n` differences; raises `ValueError` below two of them."""
    if n < 2:
        raise ValueError(f"a t statistic needs at least 2 differences, not {n}")
    freedom, shrunk = n - 1, 1 + n * spread**2
    square = min(abs(t), LARGEST_T) ** 2 / freedom
    return -0.5 * math.log(shrunk) + n / 2 * (math.log1p(square) - math.log1p(square / shrunk))


def any_time_p(t: float, n: int, spread: float = SPREAD) -> float:
    """The p-value that holds at any stopping time, 1/e and at most 1."""
    return min(1.0, math.exp(-log_e_value(t, n, spread)))


def any_time_critical_t(n: Any, alpha: float, spread: float = SPREAD) -> Any:
    """The |t| of `n` differences from which the e-value is at least 1/`alpha`; infinite where no |t| suffices.

    The e-value solved for t: with k = 1 + nc², (1 + t²/ν) / (1 + t²/(νk)) = exp(2/n (log(1/α) + ½ log k)).
    """
    count = np.asarray(n, dtype=float)
    shrunk = 1 + count * spread**2
    ratio = np.exp(2 / count * (0.5 * np.log(shrunk) - math.log(alpha)))
    with np.errstate(divide="ignore", invalid="ignore"):
        square = np.where(ratio < shrunk, (ratio - 1) / (1 - ratio / shrunk), math.inf)
    critical = np.sqrt((count - 1) * square)
    return float(critical) if np.ndim(n) == 0 else critical


@dataclass(frozen=True)
class AnyTimeT(PairedT):
    """Paired t tests whose p and intervals hold whenever one stops; an interval is infinite where n is too small."""

    def interval(self, alpha: Any) -> tuple[Floats, Floats]:
        """The two-sided intervals at level 1 - alpha."""
        half = any_time_critical_t(self.freedom + 1, alpha) * self.error
        return self.mean - half, self.mean + half


def any_time_t(differences: Any) -> AnyTimeT:
    """The test of one row of differences, as `paired_t` takes them."""
    test = paired_t(differences)
    n = int(test.freedom) + 1
    return AnyTimeT(test.mean, test.error, test.freedom, np.asarray(any_time_p(float(test.mean / test.error), n)))
