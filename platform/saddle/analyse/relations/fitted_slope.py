"""The fitted slope of a relation, and what it rests on."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from saddle.analyse.relations.estimates import UnitData
from saddle.analyse.relations.line import FamilyLine, family_lines
from saddle.analyse.statistics.paired.paired_t import Floats
from saddle.analyse.statistics.permutations import Orders, orders_within
from saddle.analyse.statistics.regression.meta_regression import Slopes, fit_slopes, fit_without_each, slopes_by_family
from saddle.analyse.statistics.regression.within_correlation import partial_correlation, rank_correlation

DIMENSION = "dimension"
"""The predictor with the number of input values of a unit, whose logarithm the partial correlation holds constant."""
FEWEST_FOR_PARTIAL = 12
"""The fewest units of which a partial correlation is computed; with fewer, a scatter plot shows more."""


@dataclass(frozen=True)
class WithoutUnit:
    """The slope without one unit, None if the predictor then does not vary, and its p, None without freedom."""

    name: str
    slope: float | None
    p: float | None


@dataclass(frozen=True)
class Correlation:
    """A correlation within families and its p."""

    r: float
    p: float


@dataclass(frozen=True)
class FittedRelation:
    """The slope of gain on predictor, within families if there are several; gain for one of the predictor.

    `low` to `high` is its interval and `p` its p by Knapp & Hartung (None with no residual degree of `freedom`).
    `permutation_p` is from all orders within families where `exact`, else from a sample of them. `tau` is the standard
    deviation of the units' true gains about their lines, one for each family. `equal_slopes_p` is the p of the F test
    that these have one slope, None if it can't be computed. `spearman` has a permutation p; `partial` holds the
    logarithm of the dimension constant and is None below 12 units or without dimensions. `weights` are the units'.
    """

    slope: float
    low: float | None
    high: float | None
    p: float | None
    freedom: int
    permutation_p: float | None
    exact: bool
    tau: float
    lines: tuple[FamilyLine, ...]
    equal_slopes_p: float | None
    spearman: Correlation | None
    partial: Correlation | None
    without_each: tuple[WithoutUnit, ...]
    weights: tuple[float, ...]

    @property
    def sign_holds(self) -> bool:
        """Whether the slope keeps its sign without any one unit."""
        return not self.turning

    @property
    def turning(self) -> tuple[str, ...]:
        """Units without which the slope has another sign or none."""
        return tuple(
            unit.name for unit in self.without_each if unit.slope is None or np.sign(unit.slope) != np.sign(self.slope)
        )

    def carried_by(self, alpha: float) -> tuple[str, ...]:
        """Units without which p exceeds alpha or is not known."""
        return tuple(unit.name for unit in self.without_each if unit.p is None or unit.p > alpha)


def fit_relation(data: UnitData, alpha: float) -> FittedRelation | None:
    """None with fewer than two units, or where the predictor or the gains do not vary within families."""
    if len(data.units) < 2 or not data.x_varies or not data.y_varies:
        return None
    fit = fit_slopes(data.x, data.y, data.noise, data.families)
    low, high = fit.interval(alpha)
    orders = orders_within(data.families)
    return FittedRelation(
        slope=float(fit.slope),
        low=_known(low),
        high=_known(high),
        p=_known(fit.p),
        freedom=int(fit.freedom),
        permutation_p=_permutation_p(data, fit, orders),
        exact=orders.exact,
        tau=math.sqrt(float(fit.tau2)),
        lines=family_lines(data, fit, alpha),
        equal_slopes_p=_known(slopes_by_family(data.x, data.y, fit.weights, data.families)[1]),
        spearman=_correlation(rank_correlation(data.y, data.x, data.families, orders)),
        partial=_correlation(_partial(data, fit.weights)),
        without_each=_without_each(data),
        weights=tuple(map(float, fit.weights)),
    )


def _known(value: Floats | float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _permutation_p(data: UnitData, fit: Slopes, orders: Orders) -> float | None:
    """Two-sided, from t, for which τ² is estimated again in every order; None with no residual degree of freedom."""
    if not math.isfinite(fit.t):
        return None
    permuted = fit_slopes(data.x[orders.indices], data.y, data.noise, data.families)
    return float(orders.two_sided_p(permuted.t, fit.t))


def _partial(data: UnitData, weights: Floats) -> tuple[float, float] | None:
    dimensions = np.array([unit.predictors.get(DIMENSION, math.nan) for unit in data.units])
    if len(data.units) < FEWEST_FOR_PARTIAL or not (np.isfinite(dimensions) & (dimensions > 0)).all():
        return None
    return partial_correlation(data.y, data.x, np.log(dimensions), weights, data.families)


def _correlation(pair: tuple[float, float] | None) -> Correlation | None:
    return None if pair is None or math.isnan(pair[0]) or math.isnan(pair[1]) else Correlation(*pair)


def _without_each(data: UnitData) -> tuple[WithoutUnit, ...]:
    fits = fit_without_each(data.x, data.y, data.noise, data.families)
    return tuple(
        WithoutUnit(unit.name, _known(slope), _known(p))
        for unit, slope, p in zip(data.units, fits.slope, fits.p, strict=True)
    )
