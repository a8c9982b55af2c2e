"""Differences that the t test may judge wrongly: an arm with a different spread, and a seed that is an outlier.

Both rules are tests of normal values at `LEVEL`, so for these each gives a false caution about at most 1 % of arms.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import scipy

from saddle.analyse.arms.on_scale import on_scale
from saddle.analyse.arms.paired_values import ArmValues, pair
from saddle.analyse.statistics.paired.paired_t import has_spread
from saddle.analyse.statistics.power import FEWEST_SEEDS
from saddle.analyse.statistics.scales import ScaleName, is_defined
from saddle.analyse.statistics.t_distribution import critical_t

LEVEL = 0.01
"""The largest rate of false cautions of each of the two, for normal values with the baseline's spread."""
FEWEST_FOR_GRUBBS = 5
"""Of three or four differences one is an outlier at 1 % only if the others are as good as equal, which shares of few
images often are."""
SEVERAL = 3.0
"""How many times the baseline's standard deviation an arm's must be to be reported, even if it is surely larger."""


def spread_cautions(measured: Sequence[ArmValues], scale: ScaleName = "linear") -> Iterable[str]:
    """Cautions about arms, the baseline first among them, as values on `scale`; none if a value is off it."""
    if not all(is_defined(value, scale) for arm in measured for value in arm.values.values()):
        return
    baseline, *arms = (on_scale(arm, scale) for arm in measured)
    for arm in arms:
        values = [*arm.values.values()]
        ratio = spread_ratio(values, [*baseline.values.values()])
        if ratio is not None:
            yield (
                f"{arm.arm} varies {ratio:.0f} times as much over seeds as {baseline.arm} (standard deviations; F test"
                " at 1 %): where its values are skewed, the interval misses the truth more often than it says."
            )
        differences = pair(arm, baseline).differences
        seed = dominant(differences)
        if seed is not None:
            others = float(np.mean([value for other, value in differences.items() if other != seed]))
            mean = float(np.mean([*differences.values()]))
            yield (
                f"{arm.arm}: seed {seed} is an outlier among its seeds (Grubbs’ test at 1 %); without it the difference"
                f" from {baseline.arm} is {_without(others, mean)}."
            )


def spread_ratio(values: Sequence[float], baseline: Sequence[float]) -> float | None:
    """How many times the baseline's standard deviation an arm has, where that is several times, beyond chance.

    The F test of two variances, one-sided at `LEVEL` (Snedecor, 1934). Values that share their seeds correlate, which
    brings the two nearer to each other and lowers the level.
    """
    if min(len(values), len(baseline)) < FEWEST_SEEDS or not has_spread(values) or not has_spread(baseline):
        return None
    ratio = float(np.std(values, ddof=1) / np.std(baseline, ddof=1))
    bound = float(scipy.special.fdtri(len(values) - 1, len(baseline) - 1, 1 - LEVEL))
    return ratio if ratio >= SEVERAL and ratio**2 > bound else None


def dominant(differences: Mapping[int, float]) -> int | None:
    """The seed whose difference is an outlier; None if there is none.

    Grubbs' test of the value farthest from the mean, two-sided at `LEVEL` (Grubbs, 1950, Annals of Mathematical
    Statistics 21).
    """
    n, values = len(differences), np.array([*differences.values()])
    if n < FEWEST_FOR_GRUBBS or not has_spread(values):
        return None
    apart = np.abs(values - values.mean()) / values.std(ddof=1)
    t = float(critical_t(n - 2, LEVEL / n))
    critical = (n - 1) / math.sqrt(n) * math.sqrt(t**2 / (n - 2 + t**2))
    return [*differences][int(apart.argmax())] if float(apart.max()) > critical else None


def _without(others: float, mean: float) -> str:
    """The mean of the other seeds relative to the mean of all, in words."""
    share = others / mean if mean else math.nan
    if not math.isfinite(share):
        return "another one"
    return "of the other sign" if share < 0 else f"{100 * abs(share):.0f} % of what it is with it"  # -0.0 is none
