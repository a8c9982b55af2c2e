"""Correlations within families: of several predictors together, of ranks, and with a third quantity held constant."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from saddle.analyse.statistics.paired.paired_t import Floats
from saddle.analyse.statistics.permutations import Orders
from saddle.analyse.statistics.regression.meta_regression import centred
from saddle.analyse.statistics.t_distribution import two_sided_p


@dataclass(frozen=True, eq=False)
class Correlations:
    """One for each predictor, (predictors,): NaN if it cannot be computed.

    `p` is that of its own permutations, `p_of_largest` the share of permutations in which any predictor's correlation
    is as improbable as this one (Westfall & Young, 1993), which holds for any number of tried predictors.
    """

    r: Floats
    p: Floats
    p_of_largest: Floats


def correlations(y: Floats, predictors: Floats, families: Floats, orders: Orders) -> Correlations:
    """Of y (k,) with predictors (predictors, k), NaN if one is not known; y is permuted within families."""
    permuted = y[orders.indices]
    observed, reached = [], []
    for predictor in predictors:
        finite = np.isfinite(predictor)
        r = _correlation(np.vstack([y, permuted])[:, finite], predictor[finite], families[:, finite])
        observed.append(r[0])
        reached.append(_improbability(r, finite.sum(), families[:, finite]))
    sizes = np.array(reached).T  # (1 + orders, predictors)
    own = orders.p(sizes[1:], sizes[0])
    largest = np.nan_to_num(sizes[1:], nan=-np.inf).max(1, keepdims=True, initial=-np.inf)
    of_largest = orders.p(np.broadcast_to(largest, sizes[1:].shape), sizes[0])
    unknown = np.isnan(sizes[0])
    return Correlations(np.array(observed), np.where(unknown, np.nan, own), np.where(unknown, np.nan, of_largest))


def rank_correlation(y: Floats, x: Floats, families: Floats, orders: Orders) -> tuple[float, float]:
    """Spearman's correlation of ranks within families, and its permutation p."""
    ranks = [_ranks_within(values, families) for values in (y, x)]
    result = correlations(ranks[0], ranks[1][None], families, orders)
    return float(result.r[0]), float(result.p[0])


def partial_correlation(
    y: Floats, x: Floats, control: Floats, weights: Floats, families: Floats
) -> tuple[float, float] | None:
    """The weighted correlation of y and x within families with `control` held constant, and its p by Student's t.

    None where `control` determines x or y, or no degree of freedom is left.
    """
    a, b, c = (np.sqrt(weights) * centred(values, weights, families) for values in (y, x, control))
    freedom = len(y) - len(families) - 2
    spread = c @ c
    if freedom < 1 or spread <= 1e-20 * (weights @ control**2):
        return None
    residuals = [values - (values @ c) / spread * c for values in (a, b)]
    if any(residual @ residual <= 1e-12 * (whole @ whole) for residual, whole in zip(residuals, (a, b), strict=True)):
        return None
    r = float(residuals[0] @ residuals[1] / np.sqrt((residuals[0] @ residuals[0]) * (residuals[1] @ residuals[1])))
    return r, float(_p_of_r(np.array(r), freedom))


def _correlation(y: Floats, x: Floats, families: Floats) -> Floats:
    """Of each row of y (rows, k) with x (k,) within families; NaN if either does not vary."""
    whole = np.ones_like(x)
    away, gains = centred(x, whole, families), centred(y, np.ones_like(y), families)
    if away @ away <= 1e-20 * (x @ x):
        return np.full(len(y), np.nan)
    sizes = (gains**2).sum(1)
    return np.clip(gains @ away / np.sqrt(np.where(sizes > 0, sizes, np.nan) * (away @ away)), -1.0, 1.0)


def _improbability(r: Floats, points: int, families: Floats) -> Floats:
    """How improbable correlations of so many points are, comparable between numbers of points: -log p."""
    freedom = points - int((families.sum(1) > 0).sum()) - 1
    if freedom < 1:
        return np.full_like(r, np.nan)
    return -np.log(np.maximum(_p_of_r(r, freedom), 1e-300))


def _p_of_r(r: Floats, freedom: int) -> Floats:
    t = np.abs(r) * np.sqrt(freedom / np.maximum(1 - r**2, 1e-15))
    return np.asarray(two_sided_p(t, freedom), dtype=float)


def _ranks_within(values: Floats, families: Floats) -> Floats:
    ranks = np.zeros_like(values)
    for family in families > 0:
        ranks[family] = scipy.stats.rankdata(values[family])
    return ranks
