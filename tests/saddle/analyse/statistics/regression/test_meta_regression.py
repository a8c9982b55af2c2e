"""Random-effects regression against statsmodels' weighted least squares, and what must not change its slope."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from saddle.analyse.statistics.paired.paired_t import Floats
from saddle.analyse.statistics.regression.meta_regression import (
    fit_slopes,
    fit_without_each,
    membership,
    slopes_by_family,
)
from saddle.analyse.statistics.regression.random_effects import between_variance
from saddle.analyse.statistics.regression.seed_variance import sample_variances, shrunk_freedom, shrunk_variances

CODES = {"one family": [0] * 9, "three families": [0, 0, 0, 1, 1, 1, 1, 2, 2]}


def simulate(seed: int, codes: list[int], tau: float) -> tuple[Floats, Floats, Floats]:
    """x, y and the variances of y, with a slope of 0.7."""
    generator = np.random.default_rng(seed)
    noise = generator.uniform(0.05, 0.6, len(codes))
    x = generator.standard_normal(len(codes)) + np.array(codes)
    rest = np.sqrt(tau**2 + noise) * generator.standard_normal(len(codes))
    return x, 0.7 * x - 3 * np.array(codes) + rest, noise


def by_statsmodels(x: Floats, y: Floats, noise: Floats, codes: list[int]) -> tuple[float, float, float]:
    """Slope, Knapp-Hartung error with a factor of at least 1, and τ² by Brent's method on its defining equation."""
    design = np.column_stack([x, membership(codes).T])
    freedom = len(y) - design.shape[1]

    def fit(tau2: float) -> sm.regression.linear_model.RegressionResultsWrapper:
        return sm.WLS(y, design, weights=1 / (tau2 + noise)).fit()

    def excess(tau2: float) -> float:
        return float(fit(tau2).scale) - 1

    assert freedom == fit(0.0).df_resid
    tau2 = optimize.brentq(excess, 0.0, 1e3, xtol=1e-14) if excess(0.0) > 0 else 0.0
    result = fit(tau2)
    return float(result.params[0]), float(result.bse[0] / np.sqrt(min(result.scale, 1.0))), float(tau2)


@pytest.mark.parametrize("codes", CODES.values(), ids=CODES)
@pytest.mark.parametrize("tau", [0.0, 0.5, 3.0])
@pytest.mark.parametrize("seed", range(5))
def test_slope_error_and_tau_are_those_of_statsmodels(codes: list[int], tau: float, seed: int) -> None:
    x, y, noise = simulate(seed, codes, tau)
    fit = fit_slopes(x, y, noise, membership(codes))
    slope, error, tau2 = by_statsmodels(x, y, noise, codes)
    assert (float(fit.slope), float(fit.error)) == pytest.approx((slope, error), rel=1e-9)
    assert float(fit.tau2) == pytest.approx(tau2, rel=1e-8, abs=1e-12)
    low, high = fit.interval(0.05)
    half = stats.t.ppf(0.975, len(y) - len(set(codes)) - 1) * error
    assert (float(low), float(high)) == pytest.approx((slope - half, slope + half), rel=1e-9)


def test_a_regression_by_hand_without_noise_of_seeds_is_that_of_least_squares() -> None:
    x, y = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 3.0, 2.0, 5.0])
    fit = fit_slopes(x, y, np.zeros(4), membership([0] * 4))
    # Σ(x - x̄)(y - ȳ) = 5.5 over Σ(x - x̄)² = 5; the residuals' sum of squares is 8.75 - 5.5²/5 = 2.7
    assert float(fit.slope) == pytest.approx(1.1)
    assert float(fit.tau2) == pytest.approx(1.35)
    assert float(fit.error) == pytest.approx(np.sqrt(1.35 / 5))
    assert float(fit.p) == pytest.approx(stats.linregress(x, y).pvalue)


def test_the_mean_alone_has_the_tau_of_brents_method() -> None:
    for seed in range(20):
        _, y, noise = simulate(seed, [0] * 9, 1.0)

        def excess(tau2: float, y: Floats = y, noise: Floats = noise) -> float:
            weights = 1 / (tau2 + noise)
            return float((weights * (y - np.average(y, weights=weights)) ** 2).sum()) - 8

        expected = optimize.brentq(excess, 0.0, 1e3, xtol=1e-14) if excess(0.0) > 0 else 0.0
        assert between_variance(y, noise) == pytest.approx(expected, rel=1e-8, abs=1e-12)


@pytest.mark.parametrize("codes", CODES.values(), ids=CODES)
def test_leaving_each_point_out_at_once_is_leaving_it_out(codes: list[int]) -> None:
    x, y, noise = simulate(3, codes, 0.5)
    at_once = fit_without_each(x, y, noise, membership(codes))
    for place in range(len(codes)):
        others = np.arange(len(codes)) != place
        alone = fit_slopes(x[others], y[others], noise[others], membership(np.array(codes)[others]))
        for name in ("slope", "error", "p", "freedom", "tau2"):
            assert getattr(at_once, name)[place] == pytest.approx(float(getattr(alone, name)), rel=1e-9), name


def test_a_family_of_one_point_changes_nothing() -> None:
    x, y, noise = simulate(1, [0] * 9, 0.5)
    alone = fit_slopes(x, y, noise, membership([0] * 9))
    beside = fit_slopes(np.append(x, 9.0), np.append(y, -50.0), np.append(noise, 0.1), membership([0] * 9 + [1]))
    assert (float(beside.slope), float(beside.p)) == pytest.approx((float(alone.slope), float(alone.p)))


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    scale=st.floats(1e-6, 1e6),
    shift=st.floats(-100, 100),
    codes=st.sampled_from(list(CODES.values())),
)
def test_scaling_scales_the_slope_and_shifting_or_reordering_leaves_it(
    seed: int, scale: float, shift: float, codes: list[int]
) -> None:
    x, y, noise = simulate(seed, codes, 0.5)
    families = membership(codes)
    fit = fit_slopes(x, y, noise, families)
    order = np.random.default_rng(seed).permutation(len(codes))
    others = {
        1 / scale: fit_slopes(scale * x, y, noise, families),
        scale: fit_slopes(x, scale * y, scale**2 * noise, families),
        1.0: fit_slopes(x + shift, y - shift, noise, families),
        -1.0: fit_slopes(-x[order], y[order], noise[order], families[:, order]),
    }
    for factor, other in others.items():
        assert float(other.slope) == pytest.approx(factor * float(fit.slope), rel=1e-6, abs=1e-9 * abs(factor))
        assert float(other.p) == pytest.approx(float(fit.p), rel=1e-6)


def test_the_f_test_of_equal_slopes_is_that_of_nested_regressions() -> None:
    codes = CODES["three families"]
    x, y, noise = simulate(2, codes, 0.5)
    weights, dummies = 1 / (0.25 + noise), membership(codes).T
    slopes, p = slopes_by_family(x, y, weights, membership(codes))
    whole = sm.WLS(y, np.column_stack([x[:, None] * dummies, dummies]), weights=weights).fit()
    part = sm.WLS(y, np.column_stack([x, dummies]), weights=weights).fit()
    assert slopes == pytest.approx(whole.params[:3])
    assert p == pytest.approx(whole.compare_f_test(part)[1])


def test_slopes_that_differ_are_found_and_equal_ones_at_most_as_often_as_alpha() -> None:
    codes = np.repeat([0, 1], 6)
    generator = np.random.default_rng(9)
    families = membership(codes)

    def share(slopes: Floats, studies: int = 1_000) -> float:
        hits = 0
        for _ in range(studies):
            x = generator.standard_normal(12)
            noise = generator.uniform(0.05, 0.6, 12)
            y = slopes[codes] * x + np.sqrt(1 + noise) * generator.standard_normal(12)
            weights = fit_slopes(x, y, noise, families).weights
            hits += slopes_by_family(x, y, weights, families)[1] <= 0.05
        return hits / studies

    assert share(np.array([1.0, 1.0])) <= 0.05 + 4 * np.sqrt(0.05 * 0.95 / 1_000)
    assert share(np.array([3.0, -3.0])) > 0.9


def test_families_of_two_points_have_no_test_of_equal_slopes() -> None:
    x, y = np.array([1.0, 2.0, 1.0, 3.0]), np.array([1.0, 3.0, 2.0, 5.0])
    slopes, p = slopes_by_family(x, y, np.ones(4), membership([0, 0, 1, 1]))
    assert slopes == pytest.approx([2.0, 1.5])
    assert np.isnan(p)
    slopes, p = slopes_by_family(
        np.array([1.0, 2.0, 3.0, 7.0, 7.0]), np.arange(5.0), np.ones(5), membership([0, 0, 0, 1, 1])
    )
    assert np.isnan(slopes[1])
    assert np.isnan(p)


def test_a_predictor_that_does_not_vary_has_no_slope_and_too_few_points_no_error() -> None:
    y, noise = np.array([1.0, 2.0, 4.0]), np.full(3, 0.1)
    assert np.isnan(fit_slopes(np.full(3, 0.1), y, noise, membership([0, 0, 0])).slope)
    two = fit_slopes(np.array([1.0, 2.0]), y[:2], noise[:2], membership([0, 0]))
    assert float(two.slope) == pytest.approx(1.0)
    assert np.isnan(two.error)
    assert np.isnan(two.p)


def test_variances_of_seeds_are_shrunk_to_the_pooled_one() -> None:
    own = sample_variances([(1.0, 2.0, 3.0), (0.0, 10.0), (4.0,)])
    assert own == pytest.approx([1.0, 50.0, 0.0])
    pooled = (2 * 1 + 1 * 50) / 3
    shrunk = shrunk_variances(own, [3, 2, 1])
    assert shrunk == pytest.approx([(2 + 4 * pooled) / 6, (50 + 4 * pooled) / 5, pooled])
    assert shrunk_freedom([3, 2, 1]) == pytest.approx([3.0, 3.0, 3.0])  # there are no more than three
    assert shrunk_freedom([5, 5, 5]) == pytest.approx([8.0, 8.0, 8.0])
    assert shrunk_variances(np.zeros(3), [1, 1, 1]) == pytest.approx([0.0, 0.0, 0.0])
