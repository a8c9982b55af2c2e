"""Every predictor that was looked at, and what the strongest of them is worth given their number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from saddle.analyse.relations.estimates import mean_gains
from saddle.analyse.relations.unit import Unit
from saddle.analyse.statistics.permutations import orders_within
from saddle.analyse.statistics.regression.meta_regression import membership
from saddle.analyse.statistics.regression.within_correlation import correlations


@dataclass(frozen=True)
class TriedPredictor:
    """The correlation of mean gains with one predictor over the `k` units that have it, within families.

    `p` is its own permutation p, `max_r_p` the one that allows for all predictors tried. None if there is no
    correlation: with too few units, or where the predictor does not vary.
    """

    name: str
    k: int
    r: float | None
    p: float | None
    max_r_p: float | None


def tried_predictors(units: Sequence[Unit], names: Sequence[str]) -> tuple[TriedPredictor, ...]:
    """For units with gains; a repeated name counts once."""
    names = tuple(dict.fromkeys(names))
    x = np.array([[unit.predictors.get(name, math.nan) for unit in units] for name in names])
    counts = [int(np.isfinite(row).sum()) for row in x]
    if not units:
        return tuple(TriedPredictor(name, 0, None, None, None) for name in names)
    families = membership([unit.family for unit in units])
    result = correlations(mean_gains(units), x, families, orders_within(families))
    return tuple(
        TriedPredictor(name, k, *(None if math.isnan(p) else float(r) for r in (r, p, of_largest)))
        for name, k, r, p, of_largest in zip(names, counts, result.r, result.p, result.p_of_largest, strict=True)
    )


def strongest(tried: Sequence[TriedPredictor]) -> TriedPredictor | None:
    """The one with the smallest p over all that were tried; None if no correlation could be computed."""
    with_p = [predictor for predictor in tried if predictor.max_r_p is not None and predictor.r is not None]
    return min(with_p, key=lambda predictor: (predictor.max_r_p, -abs(predictor.r or 0.0)), default=None)
