"""The units of a relation as arrays: predictor, mean gain and the variance of that mean."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from saddle.analyse.relations.unit import Unit, UnitEstimate
from saddle.analyse.statistics.paired.paired_t import Floats
from saddle.analyse.statistics.regression.meta_regression import centred, membership
from saddle.analyse.statistics.regression.seed_variance import sample_variances, shrunk_freedom, shrunk_variances
from saddle.analyse.statistics.t_distribution import critical_t


@dataclass(frozen=True, eq=False)
class UnitData:
    """Arrays (k,) over `units`, and `families` (families, k) of 0 and 1 in the order of `labels`.

    `noise` is the variance of the mean gain `y`, with `freedom` degrees of freedom.
    """

    units: tuple[Unit, ...]
    labels: tuple[str, ...]
    families: Floats
    x: Floats
    y: Floats
    noise: Floats
    freedom: Floats

    @property
    def residual_freedom(self) -> int:
        """The degrees of freedom that a slope within families leaves."""
        return len(self.units) - len(self.labels) - 1

    @property
    def x_varies(self) -> bool:
        return _varies(self.x, self.families)

    @property
    def y_varies(self) -> bool:
        return _varies(self.y, self.families)

    def estimates(self, weights: Sequence[float] | None, alpha: float) -> tuple[UnitEstimate, ...]:
        """Each unit with its share of the weights and the interval of its own mean at level 1 - alpha."""
        halves = critical_t(np.maximum(self.freedom, 1), alpha) * np.sqrt(self.noise)
        ends = halves if (self.freedom >= 1).all() else np.full_like(halves, np.nan)
        shares = np.full_like(halves, np.nan) if weights is None else np.asarray(weights) / np.sum(weights)
        rows = zip(self.units, self.x, self.y, self.noise, shares, ends, strict=True)
        return tuple(_estimate(unit, *map(float, row)) for unit, *row in rows)


def _estimate(unit: Unit, x: float, y: float, s2: float, weight: float, half: float) -> UnitEstimate:
    low, high = (None, None) if math.isnan(half) else (y - half, y + half)
    return UnitEstimate(unit.name, unit.family, x, y, s2, weight, low, high, len(unit.gains), unit.failed)


def unit_data(units: Sequence[Unit], predictor: str) -> UnitData:
    """From units that have gains and the predictor."""
    counts = [len(unit.gains) for unit in units]
    variances = shrunk_variances(sample_variances([unit.gains for unit in units]), counts)
    return UnitData(
        tuple(units),
        tuple(sorted({unit.family for unit in units})),
        membership([unit.family for unit in units]),
        np.array([unit.predictors[predictor] for unit in units], dtype=float),
        mean_gains(units),
        variances / np.maximum(counts, 1),
        shrunk_freedom(counts),
    )


def mean_gains(units: Sequence[Unit]) -> Floats:
    """The mean gain of each unit over its seeds, (units,)."""
    return np.array([np.mean(unit.gains) for unit in units])


def _varies(values: Floats, families: Floats) -> bool:
    """Whether values differ within any family by more than rounding."""
    away = centred(values, np.ones_like(values), families)
    return bool(np.any(np.abs(away) > 1e-12 * np.abs(values)))
