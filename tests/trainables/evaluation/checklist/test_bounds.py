"""Verdicts on counts: a single image never counts, and a fail needs what an exact bound excludes."""

from __future__ import annotations

import pytest
from scipy.stats import binom

from trainables.evaluation.checklist.bounds import at_least, at_most, lower_bound, more_often, upper_bound, worst


@pytest.mark.parametrize(("count", "n"), [(1, 10), (3, 400), (17, 100), (99, 100)])
def test_bounds_are_those_of_clopper_and_pearson(count: int, n: int) -> None:
    assert binom.sf(count - 1, n, lower_bound(count, n)) == pytest.approx(0.01)
    assert binom.cdf(count, n, upper_bound(count, n)) == pytest.approx(0.01)
    assert lower_bound(0, n) == 0
    assert upper_bound(n, n) == 1


def test_a_share_is_exceeded_only_where_the_bound_says_so() -> None:
    assert at_most(1, 100, 0.002) == "pass", "a single image never counts"
    assert at_most(1, 1_000, 0.002) == "pass"
    assert at_most(2, 500, 0.002) == "warn"
    assert at_most(12, 500, 0.002) == "fail"
    assert at_most(0, 0, 0.002) == "pass"
    assert at_least(99, 100, 0.8) == "pass"
    assert at_least(75, 100, 0.8) == "warn"
    assert at_least(40, 100, 0.8) == "fail"


def test_how_often_an_honest_model_at_the_share_itself_fails() -> None:
    for n in (100, 400, 1_000):
        failing = [count for count in range(n + 1) if at_most(count, n, 0.005) == "fail"]
        assert binom.pmf(failing, n, 0.005).sum() < 0.01, n


def test_more_often_is_an_exact_sign_test() -> None:
    assert not more_often(3, 0)
    assert more_often(7, 0)
    assert not more_often(10, 8)
    assert not more_often(0, 0)


def test_the_worst_of_verdicts() -> None:
    assert worst("pass", "warn", "fail") == "fail"
    assert worst("pass", "pass") == "pass"
    assert worst("not run", "pass") == "not run"
