"""A paired t test that may be looked at after any number of seeds: an e-value, and the bound that follows from it.

With the right-Haar prior on the standard deviation and a normal prior of `SPREAD` standard deviations on the mean, the
mixture of the t statistic's likelihood ratios is a test martingale under the null hypothesis (Robbins, 1970, Annals of
Mathematical Statistics 41; Wang & Ramdas, 2025, Statistica Sinica 35, for the t test). So the chance that it ever
reaches 1/α is at most α, whatever decided on when to stop (Ville's inequality).
"""

from __future__ import annotations

import math

import numpy as np
from scipy import optimize

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


def any_time_critical_t(n: int, alpha: float, spread: float = SPREAD) -> float:
    """The |t| of `n` differences from which the e-value is at least 1/`alpha`; infinite where no |t| suffices."""
    wanted = -math.log(alpha)
    if log_e_value(LARGEST_T, n, spread) < wanted:
        return math.inf
    return float(optimize.brentq(lambda t: log_e_value(t, n, spread) - wanted, 0.0, LARGEST_T, xtol=1e-9))


def any_time_interval(mean: float, error: float, n: int, alpha: float, spread: float = SPREAD) -> tuple[float, float]:
    """The confidence interval for the mean of `n` differences with standard `error` that holds at any stopping time."""
    half = any_time_critical_t(n, alpha, spread) * error
    return (mean - half, mean + half) if np.isfinite(half) else (-math.inf, math.inf)
