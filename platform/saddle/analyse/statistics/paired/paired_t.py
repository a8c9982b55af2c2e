"""The paired t test and its interval, for any number of comparisons together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saddle.analyse.statistics.t_distribution import critical_t, two_sided_p

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PairedT:
    """Paired t tests: mean difference, its standard error, degrees of freedom and two-sided p, arrays of one shape."""

    mean: Floats
    error: Floats
    freedom: Floats
    p: Floats

    def interval(self, alpha: Any) -> tuple[Floats, Floats]:
        """The two-sided intervals at level 1 - alpha (a number, or one per comparison)."""
        width = critical_t(self.freedom, alpha) * self.error
        return self.mean - width, self.mean + width


def paired_t(differences: Any) -> PairedT:
    """The paired t test of each row of `differences` (..., n), n >= 2 with some spread in each row (Student, 1908)."""
    values = np.asarray(differences, dtype=float)
    n = values.shape[-1]
    mean = values.mean(axis=-1)
    error = values.std(axis=-1, ddof=1) / np.sqrt(n)
    freedom = np.full(np.shape(mean), n - 1.0)
    return PairedT(mean, error, freedom, two_sided_p(mean / error, freedom))


def has_spread(values: Any) -> bool:
    """Whether the numbers differ by more than rounding; without spread there is no information on noise."""
    numbers = np.asarray(values, dtype=float)
    return bool(np.ptp(numbers) > 1e-9 * max(1e-3, float(np.abs(numbers).max())))
