"""The bound for any stopping time: known figures, its error rate however one stops, its agreement with itself."""

from __future__ import annotations

import math

import numpy as np
import pytest

from saddle.analyse.statistics.sequential.any_time import any_time_critical_t, any_time_p, any_time_t, log_e_value


@pytest.mark.parametrize(("n", "critical"), [(5, 5.36), (8, 4.20), (12, 3.84), (20, 3.63)])
def test_the_bound_at_five_per_cent(n: int, critical: float) -> None:
    assert any_time_critical_t(n, 0.05) == pytest.approx(critical, abs=0.006)


@pytest.mark.parametrize("n", [3, 5, 8, 40])
@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_interval_p_and_bound_agree(n: int, alpha: float) -> None:
    critical = any_time_critical_t(n, alpha)
    if math.isinf(critical):
        assert any_time_p(1e8, n) > alpha
        return
    assert any_time_p(critical, n) == pytest.approx(alpha)
    values = np.random.default_rng(n).standard_normal(n)
    shifted = values - values.mean() + critical * values.std(ddof=1) / math.sqrt(n)
    test = any_time_t(shifted)
    assert float(test.p) == pytest.approx(alpha)
    assert float(test.interval(alpha)[0]) == pytest.approx(0.0, abs=1e-9)


def test_stopping_as_soon_as_it_is_significant_claims_too_much_at_most_as_often_as_alpha() -> None:
    generator = np.random.default_rng(7)
    studies, most = 20_000, 40
    values = generator.standard_normal((studies, most))
    claimed = np.zeros(studies, dtype=bool)
    naive = np.zeros(studies, dtype=bool)
    from scipy import stats

    for n in range(3, most + 1):
        first = values[:, :n]
        t = np.abs(first.mean(1)) / first.std(1, ddof=1) * math.sqrt(n)
        claimed |= t >= any_time_critical_t(n, 0.05)
        naive |= t >= stats.t.isf(0.025, n - 1)
    assert claimed.mean() <= 0.05
    assert naive.mean() > 0.2


def test_one_difference_has_no_t() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        log_e_value(1.0, 1)
