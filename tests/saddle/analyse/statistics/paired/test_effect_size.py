"""The interval of the standardised mean difference covers it, and of three pairs it is wide."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from saddle.analyse.statistics.paired.effect_size import noncentral_t_cdf, size_interval


@pytest.mark.parametrize("freedom", [2, 4, 19])
@pytest.mark.parametrize("t", [-2.0, 0.5, 3.0])
@pytest.mark.parametrize("shift", [0.5, 2.0])
def test_the_distribution_is_the_noncentral_t(freedom: int, t: float, shift: float) -> None:
    assert noncentral_t_cdf(t, freedom, shift) == pytest.approx(stats.nct.cdf(t, freedom, shift), abs=2e-5)


def test_an_end_is_where_the_value_seen_is_just_improbable() -> None:
    low, high = size_interval(1.0, 0.5, 5)
    t = 1.0 / 0.5 * math.sqrt(5)
    assert stats.nct.sf(t, 4, low * math.sqrt(5)) == pytest.approx(0.025, abs=1e-4)
    assert stats.nct.cdf(t, 4, high * math.sqrt(5)) == pytest.approx(0.025, abs=1e-4)
    assert size_interval(-1.0, 0.5, 5) == pytest.approx((-high, -low), abs=1e-4)


def test_three_pairs_say_little() -> None:
    low, high = size_interval(2.0, 1.0, 3)
    assert low < 0.1
    assert high > 3.9


@pytest.mark.parametrize("n", [3, 5, 8])
def test_it_covers_as_often_as_it_says(n: int) -> None:
    draws = np.random.default_rng(n).standard_normal((2000, n)) + 0.8
    ends = [size_interval(float(row.mean()), float(row.std(ddof=1)), n) for row in draws]
    covered = np.mean([low <= 0.8 <= high for low, high in ends])
    assert covered == pytest.approx(0.95, abs=4 * math.sqrt(0.95 * 0.05 / 2000))


@pytest.mark.parametrize(("sd", "n"), [(0.0, 5), (1.0, 1)])
def test_without_spread_there_is_none(sd: float, n: int) -> None:
    with pytest.raises(ValueError, match="no standardised mean"):
        size_interval(1.0, sd, n)
