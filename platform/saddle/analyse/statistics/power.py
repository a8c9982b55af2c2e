"""What a comparison can show at all with so many seeds, before anything is trained."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import scipy
from numpy.typing import NDArray

from saddle.analyse.statistics.t_distribution import critical_t

PRECISION = 1e-12
"""Of a detectable effect, in proportion to it."""


def smallest_permutation_p(seeds: int) -> float:
    """The smallest two-sided p of the sign-flip test: 2 of 2^n flips, so 0.0625 with 5 seeds."""
    return min(1.0, 2.0 ** (1 - seeds))


def seeds_for_permutation(alpha: float) -> int:
    """The fewest seeds whose sign-flip test can reach alpha."""
    return max(2, math.ceil(1 - math.log2(alpha)))


def power(effect: float, sd: float, seeds: int, alpha: float = 0.05, comparisons: int = 1) -> float:
    """The chance that the paired t test shows a true `effect`, at Holm's strictest step, alpha / comparisons.

    `sd` is the standard deviation of the paired differences.
    """
    if seeds < FEWEST_SEEDS:
        return 0.0
    freedom = seeds - 1
    critical = critical_t(freedom, alpha / comparisons)
    shift = abs(effect) / sd * math.sqrt(seeds)
    # The noncentral t's tail as an average over the estimated spread: scipy's own returns NaN for few seeds.
    spread, weights = _spreads(freedom)
    bar = critical * spread
    return float(weights @ (scipy.special.ndtr(shift - bar) + scipy.special.ndtr(-shift - bar)) / 2)


@lru_cache
def _spreads(freedom: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Estimated standard deviations over the true one at 200 nodes, and the nodes' weights, which sum to 2."""
    nodes, weights = np.polynomial.legendre.leggauss(200)
    return np.sqrt(2 * scipy.special.gammaincinv(freedom / 2, (nodes + 1) / 2) / freedom), weights


def detectable_effect(
    sd: float, seeds: int, alpha: float = 0.05, comparisons: int = 1, wanted_power: float = 0.8
) -> float:
    """The smallest true effect that is shown with probability `wanted_power`; infinite below three seeds."""
    if seeds < FEWEST_SEEDS:
        return math.inf
    critical = float(critical_t(seeds - 1, alpha / comparisons))
    highest = 3 * (critical + 1)
    low, high = 0.0, highest
    # own code, because scipy.optimize takes a third of a second to import, and `saddle plan` needs nothing else from it
    while high - low > PRECISION * high:
        middle = (low + high) / 2
        if power(middle, 1.0, seeds, alpha, comparisons) < wanted_power:
            low = middle
        else:
            high = middle
    return high * sd


def seeds_needed(
    effect: float, sd: float, alpha: float = 0.05, comparisons: int = 1, wanted_power: float = 0.8, most: int = 1000
) -> int | None:
    """The fewest seeds that show a true `effect` with probability `wanted_power`; None beyond `most`."""
    low, high = FEWEST_SEEDS, most
    if power(effect, sd, high, alpha, comparisons) < wanted_power:
        return None
    while low < high:
        middle = (low + high) // 2
        if power(effect, sd, middle, alpha, comparisons) >= wanted_power:
            high = middle
        else:
            low = middle + 1
    return low


def limits(seeds: int, comparisons: int, alpha: float = 0.05, detectable: float | None = None) -> list[str]:
    """What `plan` and the report say about the seeds given: each sentence names a limit and what would lift it.

    `detectable` is the effect, in standard deviations, that is shown with a chance of 80 %, unless by a t test.
    """
    if seeds < FEWEST_SEEDS:
        plural = "s" * (seeds != 1)
        return [f"With {seeds} seed{plural} every verdict stays unsettled; at least {FEWEST_SEEDS} are needed."]
    powers = []
    smallest = smallest_permutation_p(seeds)
    if smallest > alpha:
        powers.append(
            f"With {seeds} seeds the exact permutation test can't go below p = {smallest:.4g}, so it can't reach"
            f" α = {alpha:g}, and verdicts rest on the t test alone; {seeds_for_permutation(alpha)} seeds could."
        )
    if detectable is None:
        detectable = detectable_effect(1.0, seeds, alpha, max(comparisons, 1))
    if detectable > 1.5:
        over = f" at the strictest of {comparisons} comparisons" if comparisons > 1 else ""
        powers.append(
            f"With {seeds} seeds only differences of at least {detectable:.1f} times their standard deviation over"
            f" seeds are likely (80 %) to be shown{over}."
        )
    return powers


FEWEST_SEEDS = 3
"""Complete pairs below which nothing is claimed."""
