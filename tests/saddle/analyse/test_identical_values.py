"""Differences without spread are decided by the sign test, where the seeds suffice for it."""

from __future__ import annotations

import pytest

from saddle.analyse.arms.effect import Effect
from saddle.analyse.arms.effects import ComparisonSpec, paired_effects
from saddle.analyse.arms.paired_values import ArmValues
from saddle.analyse.arms.verdict import Verdict
from saddle.analyse.statistics.paired.corrections import Correction
from trainables.contract import complete_metric

METRIC = complete_metric("test/score", "maximize")


def arm(name: str, *values: float, lost: dict[int, str] | None = None) -> ArmValues:
    return ArmValues(name, dict(enumerate(values)), lost or {})


def judged(difference: float, seeds: int, equivalence: float | None = None, arms: int = 1) -> list[Effect]:
    baseline = arm("base", *(0.5 + seed / 64 for seed in range(seeds)))
    others = [arm(str(place), *(value + difference for value in baseline.values.values())) for place in range(arms)]
    return paired_effects(others, baseline, ComparisonSpec(METRIC, equivalence=equivalence))


@pytest.mark.parametrize("difference", [0.0, 0.0078125, -0.0078125])
@pytest.mark.parametrize("arms", [1, 4])
def test_eight_identical_differences_inside_the_margin_are_equivalent(difference: float, arms: int) -> None:
    for effect in judged(difference, 8, equivalence=0.01, arms=arms):
        assert effect.verdict is Verdict.EQUIVALENT
        assert effect.low == effect.high == difference
        assert effect.more_seeds is None


@pytest.mark.parametrize(("difference", "verdict"), [(0.125, Verdict.HELPS), (-0.125, Verdict.HURTS)])
@pytest.mark.parametrize("equivalence", [None, 0.01])
def test_eight_identical_differences_beyond_the_margin_are_a_difference(
    difference: float, verdict: Verdict, equivalence: float | None
) -> None:
    [effect] = judged(difference, 8, equivalence)
    assert effect.verdict is verdict
    assert effect.p == effect.p_adjusted == 2**-7, "as often as eight coins show one side"


@pytest.mark.parametrize("seeds", [3, 4, 5])
@pytest.mark.parametrize("difference", [0.0, 0.125])
def test_fewer_than_the_sign_test_needs_are_unsettled(seeds: int, difference: float) -> None:
    [effect] = judged(difference, seeds, equivalence=0.01)
    assert effect.verdict is Verdict.UNSETTLED, f"p can't go below {2.0 ** (1 - seeds)}"
    assert effect.low is None


def test_more_arms_need_more_identical_seeds() -> None:
    assert {effect.verdict for effect in judged(0.0, 6, equivalence=0.01)} == {Verdict.EQUIVALENT}
    assert {effect.verdict for effect in judged(0.0, 6, equivalence=0.01, arms=2)} == {Verdict.UNSETTLED}


@pytest.mark.parametrize("correction", ["holm", "bh"])
def test_a_claim_is_made_exactly_where_the_correction_rejects(correction: Correction) -> None:
    baseline = arm("base", *(seed / 64 for seed in range(8)))
    others = [
        arm(name, *(v + d for v in baseline.values.values())) for name, d in (("a", 0.5), ("b", 0.0), ("c", 0.25))
    ]
    for effect in paired_effects(others, baseline, ComparisonSpec(METRIC, correction=correction)):
        claimed = effect.verdict in (Verdict.HELPS, Verdict.HURTS)
        assert effect.p_adjusted is not None
        assert claimed == (effect.p_adjusted <= 0.05)


def test_a_failing_seed_is_counted_beside_identical_differences() -> None:
    baseline = arm("base", *([0.5] * 8))
    failing = ArmValues("a", dict.fromkeys(range(7), 0.75), {7: "collapsed"})
    [effect] = paired_effects([failing], baseline, ComparisonSpec(METRIC))
    assert effect.verdict is Verdict.HELPS, "at the worst value seen, the collapsed seed is as good as the baseline"
    worse = arm("base", *([0.5] * 7), 0.7)
    [effect] = paired_effects([ArmValues("a", dict.fromkeys(range(5), 0.75), dict.fromkeys((5, 6, 7), "collapsed"))],
                              worse, ComparisonSpec(METRIC))  # fmt: skip
    assert effect.verdict is Verdict.UNSETTLED


def test_within_a_study_identical_values_are_a_setting_that_may_not_be_used() -> None:
    [effect] = judged(0.0, 8)
    assert effect.verdict is Verdict.NO_DIFFERENCE
    assert any("may not reach the training" in note for note in effect.notes)
