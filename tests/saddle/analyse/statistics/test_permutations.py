"""Orders within families, and the p values and correlations that come from them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from saddle.analyse.statistics.permutations import SAMPLED, orders_within
from saddle.analyse.statistics.regression.meta_regression import membership
from saddle.analyse.statistics.regression.within_correlation import correlations, partial_correlation, rank_correlation


def test_all_orders_are_taken_up_to_seven_points_and_a_sample_beyond() -> None:
    seven = orders_within(membership([0] * 7))
    assert seven.exact
    assert len({tuple(row) for row in seven.indices}) == math.factorial(7)
    eight = orders_within(membership([0] * 8))
    assert not eight.exact
    assert len(eight.indices) == SAMPLED
    assert (orders_within(membership([0] * 8)).indices == eight.indices).all()


@pytest.mark.parametrize("codes", [[0, 1, 0, 1, 2, 0], [0, 1] * 6])
def test_no_order_leaves_its_family(codes: list[int]) -> None:
    orders = orders_within(membership(codes))
    assert (np.array(codes)[orders.indices] == np.array(codes)).all()
    assert (np.sort(orders.indices, axis=1) == np.arange(len(codes))).all()
    assert orders.exact == (len(codes) == 6)
    if orders.exact:
        assert len({tuple(row) for row in orders.indices}) == 6 * 2


def test_a_two_sided_p_is_at_least_two_of_all_orders() -> None:
    orders = orders_within(membership([0] * 4))
    x, y = np.array([0.0, 0.1, 0.2, 5.0]), np.array([0.0, 0.3, 0.4, 9.0])
    assert float(orders.two_sided_p(x[orders.indices] @ y, x @ y)) == pytest.approx(2 / 24)


def test_spearmans_exact_p_is_scipys() -> None:
    generator = np.random.default_rng(0)
    for _ in range(20):
        x, y = generator.standard_normal((2, 6))
        families = membership([0] * 6)
        r, p = rank_correlation(y, x, families, orders_within(families))
        assert r == pytest.approx(stats.spearmanr(x, y).statistic)
        exact = stats.permutation_test(
            (x,), lambda x, y=y: stats.spearmanr(x, y).statistic, permutation_type="pairings", n_resamples=np.inf
        )
        assert p == pytest.approx(exact.pvalue)


def test_the_p_of_the_largest_correlation_holds_for_all_predictors() -> None:
    """Six predictors of nothing: the smallest own p is below 5 % in a quarter of studies, that over all in 5 %."""
    generator = np.random.default_rng(1)
    families = membership([0] * 6)
    orders = orders_within(families)
    studies, own, over_all = 400, 0, 0
    for _ in range(studies):
        result = correlations(generator.standard_normal(6), generator.standard_normal((6, 6)), families, orders)
        own += bool((result.p <= 0.05).any())
        over_all += bool((result.p_of_largest <= 0.05).any())
    assert own / studies > 0.15
    assert over_all / studies <= 0.05 + 4 * math.sqrt(0.05 * 0.95 / studies)


def test_one_predictor_has_the_same_p_alone_and_over_all() -> None:
    generator = np.random.default_rng(2)
    families = membership([0, 0, 0, 1, 1, 1])
    y, x = generator.standard_normal((2, 6))
    result = correlations(y, x[None], families, orders_within(families))
    assert result.p == pytest.approx(result.p_of_largest)


def test_a_predictor_that_is_constant_or_known_of_two_points_only_has_no_correlation() -> None:
    y = np.array([1.0, 2.0, 4.0, 3.0])
    predictors = np.array([[1.0, 2.0, 3.0, 5.0], [7.0] * 4, [1.0, 2.0, np.nan, np.nan], [1.0, np.nan, 4.0, 9.0]])
    families = membership([0] * 4)
    result = correlations(y, predictors, families, orders_within(families))
    assert np.isfinite(result.p).tolist() == [True, False, False, True]
    assert result.r[0] == pytest.approx(stats.pearsonr(predictors[0], y).statistic)
    assert result.r[3] == pytest.approx(stats.pearsonr([1.0, 4.0, 9.0], [1.0, 4.0, 3.0]).statistic)


def test_a_partial_correlation_is_that_of_what_the_third_leaves_of_both() -> None:
    generator = np.random.default_rng(3)
    held = generator.standard_normal(14)
    x, y = held + generator.standard_normal(14), 2 * held + generator.standard_normal(14)
    families, weights = membership([0] * 14), np.ones(14)
    left = [values - np.polyval(np.polyfit(held, values, 1), held) for values in (x, y)]
    r, p = partial_correlation(y, x, held, weights, families) or (0.0, 0.0)
    assert r == pytest.approx(stats.pearsonr(*left).statistic)
    assert p == pytest.approx(2 * stats.t.sf(abs(r) * math.sqrt(11 / (1 - r**2)), 11))
    assert partial_correlation(y, 3 * held + 1, held, weights, families) is None
