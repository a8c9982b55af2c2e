"""The bounds of group sequential t tests: exact where theory is known, and true to simulation elsewhere."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from saddle.analyse.statistics.sequential.group_sequential import SPENDING, Spending, critical_values, sequential_p

STUDIES = 200_000


def look(most: int, first: int = 3) -> tuple[tuple[int, ...], tuple[float, ...]]:
    looks = tuple(range(first, most + 1))
    return looks, tuple(n / most for n in looks)


@pytest.mark.parametrize("n", [3, 5, 20])
@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_a_single_look_is_students_test(n: int, alpha: float) -> None:
    assert critical_values((n,), (1.0,), alpha, "pocock") == pytest.approx([stats.t.isf(alpha / 2, n - 1)])


@pytest.mark.parametrize("spending", ["obrien_fleming", "pocock"])
@pytest.mark.parametrize("most", [4, 8, 24])
@pytest.mark.parametrize("alpha", [0.05, 0.0125])
def test_at_every_look_as_much_is_spent_as_was_planned(spending: Spending, most: int, alpha: float) -> None:
    looks, shares = look(most)
    bounds = critical_values(looks, shares, alpha, spending)
    draws = np.random.default_rng(11).standard_normal((STUDIES, most))
    over = np.zeros(STUDIES, dtype=bool)
    for n, share, bound in zip(looks, shares, bounds, strict=True):
        first = draws[:, :n]
        over |= np.abs(first.mean(1)) / (first.std(1, ddof=1) / math.sqrt(n)) > bound
        planned = SPENDING[spending](alpha, share)
        assert over.mean() == pytest.approx(
            planned, abs=4 * math.sqrt(planned * (1 - planned) / STUDIES) + 2e-3 * planned
        )


def test_a_look_that_spends_nothing_stops_nothing() -> None:
    looks, shares = (3, 4, 5), (0.0, 0.0, 1.0)
    found = critical_values(looks, shares, 0.05, "obrien_fleming")
    assert found[0] == found[1] == math.inf
    assert found[2] == pytest.approx(stats.t.isf(0.025, 4), rel=1e-3)


@pytest.mark.parametrize("looks", [(), (1, 3), (4, 3), (3, 3)])
def test_looks_out_of_order_are_refused(looks: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="must rise from at least 2 pairs"):
        critical_values(looks, tuple(1.0 for _ in looks), 0.05, "pocock")


@pytest.mark.parametrize("spending", ["obrien_fleming", "pocock"])
@pytest.mark.parametrize("t", [5.0, 2.5, -4.0])
def test_the_p_value_is_the_level_at_which_the_latest_look_just_stops(spending: Spending, t: float) -> None:
    looks, shares = (3, 4, 5), (0.6, 0.8, 1.0)
    p = sequential_p(t, looks, shares, spending)
    assert abs(t) / critical_values(looks, shares, p, spending)[-1] == pytest.approx(1, rel=0.02)


def test_the_smallest_p_value_of_all_looks_is_uniform_at_most() -> None:
    looks, shares = look(5)
    draws = np.random.default_rng(5).standard_normal((4000, 5))
    found = []
    for row in draws:
        ts = [row[:n].mean() / (row[:n].std(ddof=1) / math.sqrt(n)) for n in looks]
        so_far = range(1, len(looks) + 1)
        found.append(min(sequential_p(ts[n - 1], looks[:n], shares[:n], "obrien_fleming") for n in so_far))
    for alpha in (0.01, 0.05, 0.2, 0.5):
        rate = np.mean(np.array(found) <= alpha)
        assert rate == pytest.approx(alpha, abs=4 * math.sqrt(alpha * (1 - alpha) / 4000) + 0.02 * alpha)
