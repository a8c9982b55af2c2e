"""Replicates that fail are counted with an exact interval; those that were not trained are not among them."""

from __future__ import annotations

import pytest
from scipy import stats

from saddle.analyse.arms.collapse import failure_rates
from saddle.analyse.arms.paired_values import MISSING, NO_VALUE, ArmValues
from saddle.analyse.cautions import collapses


def arm(name: str, *fates: float | str) -> ArmValues:
    return ArmValues(
        name,
        {seed: fate for seed, fate in enumerate(fates) if not isinstance(fate, str)},
        {seed: fate for seed, fate in enumerate(fates) if isinstance(fate, str)},
    )


def test_nothing_is_said_where_nothing_failed() -> None:
    assert failure_rates([arm("base", 0.1, "preempted"), arm("gan", 0.2, MISSING)]) == ()


def test_rates_have_the_exact_interval_and_leave_out_what_says_nothing() -> None:
    base, gan = failure_rates([
        arm("base", 0.1, 0.1, 0.1, 0.1, "preempted"),
        arm("gan", "collapsed", "timed_out", 0.2, 0.2, NO_VALUE, MISSING),
    ])  # fmt: skip
    assert (base.failed, base.trained, base.rate, base.p) == (0, 4, 0.0, None)
    assert (gan.failed, gan.trained, gan.rate) == (2, 4, 0.5)
    # Clopper and Pearson (1934): 2 of 4
    assert (gan.low, gan.high) == pytest.approx((stats.beta.ppf(0.025, 2, 3), stats.beta.ppf(0.975, 3, 2)))
    assert base.high == pytest.approx(1 - 0.025 ** (1 / 4))
    assert gan.discordant == (2, 0)
    assert gan.p == pytest.approx(0.5)


def test_a_method_that_fails_far_more_often_than_the_baseline_is_pointed_out() -> None:
    multitest = pytest.importorskip("statsmodels.stats.contingency_tables")
    measured = [arm("base", *[0.1] * 8), arm("gan", *["collapsed"] * 7, 0.2), arm("mild", "collapsed", *[0.1] * 7)]
    _, gan, mild = failure_rates(measured)
    assert gan.p == pytest.approx(multitest.mcnemar([[0, 7], [0, 1]], exact=True).pvalue)
    assert mild.p == 1.0
    assert [*collapses(failure_rates(measured))] == [
        ("gan failed more often than the baseline: 7 of 8 replicates (exact McNemar p = 0.0156, not adjusted).")
    ]
    [less] = collapses(failure_rates([measured[1], measured[0]]))
    assert less.startswith("base failed less often than the baseline: 0 of 8")


def test_where_both_fail_at_the_same_seeds_there_is_nothing_to_test() -> None:
    _, other = failure_rates([arm("base", "collapsed", 0.1), arm("gan", "collapsed", 0.3)])
    assert other.p is None
