"""The standardised mean difference of pairs, and its interval, which few pairs leave wide."""

from __future__ import annotations

import math

import numpy as np
import scipy

NODES, WEIGHTS = np.polynomial.legendre.leggauss(400)


def size_interval(mean: float, sd: float, n: int, alpha: float = 0.05) -> tuple[float, float]:
    """The interval for the mean of `n` differences in standard deviations of them, at level 1 - `alpha`.

    By inversion of the noncentral t distribution (Steiger & Fouladi, 1997): its ends are the noncentralities of which
    t is just improbable, over √n. Raises `ValueError` below two differences, or without spread.
    """
    if n < 2 or sd <= 0:
        raise ValueError(f"{n} differences with a standard deviation of {sd:g} have no standardised mean")
    t = mean / sd * math.sqrt(n)
    high, low = (_noncentrality(t, n - 1, share) for share in (alpha / 2, 1 - alpha / 2))
    return low / math.sqrt(n), high / math.sqrt(n)


def noncentral_t_cdf(t: float, freedom: int, shift: float) -> float:
    """P(T ≤ t), as an average of the normal distribution over the estimated spread: scipy's is NaN for few pairs."""
    spread = np.sqrt(2 * scipy.special.gammaincinv(freedom / 2, (NODES + 1) / 2) / freedom)
    return float(WEIGHTS @ scipy.special.ndtr(t * spread - shift) / 2)


def _noncentrality(t: float, freedom: int, share: float) -> float:
    """The noncentrality with P(T ≤ t) = `share`, which falls as it grows."""
    reach = 10 + 4 * abs(t)
    return float(scipy.optimize.brentq(lambda shift: noncentral_t_cdf(t, freedom, shift) - share, -reach, reach))
