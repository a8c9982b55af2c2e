"""The self-starting CUSUM: its scores are what theory says, and its limits are true to simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from saddle.analyse.statistics.sequential.cusum import (
    MONTH,
    alarm_chance,
    alarm_limit,
    batches_to_alarm,
    next_sum,
    t_rank_score,
)

MONTHS = 4_000


def month_of_sums(generator: np.random.Generator, size: int, nights: int, drop: float = 0.0, after: int = 0) -> list:
    """The sums after each night's batch, ranked among all earlier values."""
    earlier: list[float] = []
    total, sums = 0.0, []
    for night in range(nights):
        batch = [float(value) - drop * (night >= after) for value in generator.standard_normal(size)]
        score = t_rank_score(batch, earlier)
        total = next_sum(total, score) if score is not None else total
        sums.append(total)
        earlier += batch
    return sums


@pytest.mark.parametrize(("streams", "limit"), [(1, 4.37), (3, 5.39), (6, 6.02)])
def test_limits_are_those_that_a_simulation_of_the_issue_found(streams: int, limit: float) -> None:
    assert alarm_limit(streams) == pytest.approx(limit, abs=0.02)


@pytest.mark.parametrize("streams", [2, 4, 12, 20])
def test_limits_for_other_counts_hold_in_simulated_months(streams: int) -> None:
    generator = np.random.default_rng(streams)
    scores = generator.standard_normal((MONTHS, streams, MONTH))
    sums, highest = np.zeros((MONTHS, streams)), np.zeros((MONTHS, streams))
    for night in range(MONTH):
        sums = np.maximum(0.0, sums - scores[..., night] - 0.5)
        highest = np.maximum(highest, sums)
    rate = (highest > alarm_limit(streams)).any(axis=1).mean()
    assert rate == pytest.approx(0.05, abs=4 * math.sqrt(0.05 * 0.95 / MONTHS))


@pytest.mark.parametrize("size", [1, 3])
def test_a_month_of_ranked_batches_alarms_as_often_as_its_limit_says(size: int) -> None:
    generator, months = np.random.default_rng(3), 600
    alarms = sum(max(month_of_sums(generator, size, MONTH)) > alarm_limit(1) for _ in range(months))
    assert alarms / months <= 0.05 + 2.5 * math.sqrt(0.05 * 0.95 / months)
    assert alarms / months > 0.025, "a chart that never alarms has not been tested"


def test_scores_are_standard_normal_and_independent_from_the_second_batch_on() -> None:
    generator = np.random.default_rng(5)
    scores = []
    for _ in range(2_000):
        values = generator.standard_normal(12)
        scores.append([t_rank_score(list(values[k : k + 3]), list(values[:k])) for k in (3, 6, 9)])
    found = np.array(scores, dtype=float)
    for column in found.T:
        assert stats.kstest(column, "norm").pvalue > 0.001
    correlations = np.corrcoef(found.T)[np.triu_indices(3, 1)]
    assert np.abs(correlations).max() < 4 / math.sqrt(len(found))


def test_the_score_is_the_t_tests_and_negative_below() -> None:
    earlier, batch = [0.5, 0.7, 0.6, 0.65], [0.4, 0.45]
    spread = np.std(earlier, ddof=1) * math.sqrt(1 / 2 + 1 / 4)
    t = (np.mean(batch) - np.mean(earlier)) / spread
    assert t_rank_score(batch, earlier) == pytest.approx(stats.norm.ppf(stats.t.cdf(t, 3)))
    assert t_rank_score([1.2 - value for value in batch], [1.2 - value for value in earlier]) == pytest.approx(
        -stats.norm.ppf(stats.t.cdf(t, 3))
    )


@pytest.mark.parametrize("earlier", [[], [0.5], [0.5, 0.5, 0.5]])
def test_nothing_is_ranked_among_values_without_spread(earlier: list[float]) -> None:
    assert t_rank_score([0.4], earlier) is None


def test_the_chance_of_an_alarm_grows_with_nights_and_with_a_shift_and_falls_with_the_limit() -> None:
    assert alarm_chance(4.0, 60) > alarm_chance(4.0, 30) > alarm_chance(5.0, 30)
    assert alarm_chance(4.0, 5, shift=-2.0) > 0.9


@pytest.mark.parametrize(("drop", "nights"), [(2.0, 2), (1.0, 4), (2 / 3, 7)])
def test_the_median_wait_for_a_drop_is_that_of_simulated_charts(drop: float, nights: int) -> None:
    assert batches_to_alarm(drop, 3, alarm_limit(1)) == nights
    generator, waits = np.random.default_rng(9), []
    for _ in range(120):
        sums = month_of_sums(generator, 3, 2 * MONTH, drop, MONTH)[MONTH:]
        waits.append(next((night for night, total in enumerate(sums, 1) if total > alarm_limit(1)), math.inf))
    assert np.median(waits) == pytest.approx(nights, abs=1)
