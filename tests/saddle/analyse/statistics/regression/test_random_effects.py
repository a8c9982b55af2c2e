"""Intervals over blocks: their coverage over datasets, and the spread between these without the seeds' noise."""

from __future__ import annotations

import math

import numpy as np
import pytest

from saddle.analyse.statistics.regression.random_effects import between_variance, block_means


def simulate(generator: np.random.Generator, k: int, tau: float, seeds: int) -> tuple[np.ndarray, np.ndarray]:
    """Means of `k` blocks around true ones with standard deviation `tau`, and the variances of the means."""
    truth = tau * generator.standard_normal(k)
    values = truth[:, None] + generator.standard_normal((k, seeds))
    return values.mean(1), values.var(1, ddof=1) / seeds


@pytest.mark.parametrize("k", [3, 5, 8])
@pytest.mark.parametrize("tau", [0.0, 1.0, 3.0])
def test_a_null_mean_over_datasets_is_claimed_at_most_as_often_as_alpha(k: int, tau: float) -> None:
    generator = np.random.default_rng(k)
    studies = 2_000
    claimed = seeds_as_units = 0
    for _ in range(studies):
        means, variances = simulate(generator, k, tau, 5)
        found = block_means(means, variances)
        claimed += not found.low <= 0 <= found.high
        seeds_as_units += abs(means.mean()) > 2.0 * math.sqrt(variances.sum()) / k
    assert claimed / studies <= 0.05 + 4 * math.sqrt(0.05 * 0.95 / studies)
    if tau == 3.0:
        assert seeds_as_units / studies > 0.3  # what is claimed where seeds are the unit


def test_another_dataset_lies_in_the_prediction_interval_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(1)
    inside = 0
    for _ in range(2_000):
        means, variances = simulate(generator, 6, 2.0, 5)
        found = block_means(means, variances)
        inside += found.predicted_low <= 2.0 * generator.standard_normal() <= found.predicted_high
    assert 0.92 <= inside / 2_000 <= 0.98


def test_the_spread_between_blocks_is_found_without_the_noise_of_seeds() -> None:
    generator = np.random.default_rng(2)
    spread = [between_variance(*simulate(generator, 40, 2.0, 20)) for _ in range(200)]
    assert np.mean(spread) == pytest.approx(4.0, rel=0.1)
    none = [between_variance(*simulate(generator, 40, 0.0, 20)) for _ in range(200)]
    assert np.mean(none) < 0.2 * (1 / 20)  # of the variance that the seeds alone give the means


def test_two_blocks_have_no_interval() -> None:
    with pytest.raises(ValueError, match="at least 3"):
        block_means([1.0, 2.0], [0.1, 0.1])
