"""Effects, intervals and verdicts agree with the textbooks, with each other, and with Holm."""

from __future__ import annotations

import math
import warnings
from unittest.mock import ANY

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from saddle.analyse.arms.effect import Effect, FailuresCounted
from saddle.analyse.arms.effects import ComparisonSpec, hedges, paired_effects
from saddle.analyse.arms.paired_values import MISSING, ArmValues
from saddle.analyse.arms.verdict import Intervals, Verdict, decide
from saddle.analyse.statistics.paired.corrections import Correction, adjust, local_alpha
from saddle.analyse.statistics.paired.paired_t import paired_t
from saddle.analyse.statistics.paired.sign_flip import sign_flip_p
from saddle.analyse.statistics.sequential.any_time import any_time_critical_t
from trainables.contract import complete_metric


def arm(name: str, *values: float, lost: dict[int, str] | None = None) -> ArmValues:
    return ArmValues(name, dict(enumerate(values)), lost or {})


def effect(*differences: float, **options: object) -> Effect:
    baseline = arm("base", *[0.5] * len(differences))
    other = arm("arm", *[0.5 + difference for difference in differences])
    (found,) = paired_effects([other], baseline, ComparisonSpec(complete_metric("test/a", "maximize"), **options))  # type: ignore[arg-type]
    return found


def test_the_paired_t_test_is_scipys() -> None:
    generator = np.random.default_rng(1)
    for n in (3, 5, 8):
        values = generator.normal(0.3, 1, size=(4, n))
        test = paired_t(values)
        low, high = test.interval(0.05)
        for row in range(4):
            reference = stats.ttest_1samp(values[row], 0)
            assert math.isclose(test.p[row], reference.pvalue, rel_tol=1e-9)
            interval = reference.confidence_interval(0.95)
            assert (low[row], high[row]) == pytest.approx((interval.low, interval.high))


def test_students_own_sleep_data() -> None:
    """Student (1908), ten patients under two drugs: mean 1.58, t = 4.06, p = 0.0028, 95 % interval 0.70 to 2.46."""
    test = paired_t([1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4])
    assert float(test.mean) == pytest.approx(1.58)
    assert float(test.mean / test.error) == pytest.approx(4.0621, abs=1e-4)
    assert float(test.p) == pytest.approx(0.002833, abs=1e-6)
    assert test.interval(0.05) == pytest.approx((0.7001, 2.4599), abs=1e-4)


def test_holm_on_a_known_example() -> None:
    """R's p.adjust(c(0.01, 0.02, 0.03, 0.005), "holm")."""
    assert adjust([0.01, 0.02, 0.03, 0.005], "holm") == pytest.approx([0.03, 0.04, 0.04, 0.02])
    assert local_alpha([0.01, 0.02, 0.03, 0.005], 0.05, "holm") == pytest.approx([0.05 / 3, 0.05 / 2, 0.05, 0.05 / 4])
    # The second smallest fails at 0.05 / 2, so everything behind it is decided at that level too.
    assert local_alpha([0.9, 0.001, 0.03], 0.05, "holm") == pytest.approx([0.025, 0.05 / 3, 0.025])


P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=8)


@settings(deadline=None, max_examples=40)
@given(P_VALUES)
def test_holm_is_that_of_statsmodels(p: list[float]) -> None:
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    assert adjust(p, "holm") == pytest.approx(multitest.multipletests(p, method="holm")[1], abs=1e-12)


@settings(deadline=None, max_examples=40)
@given(P_VALUES)
def test_benjamini_hochberg_is_that_of_statsmodels(p: list[float]) -> None:
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    assert adjust(p, "bh") == pytest.approx(multitest.multipletests(p, method="fdr_bh")[1], abs=1e-12)


@pytest.mark.parametrize("correction", ["holm", "bh"])
@settings(deadline=None)
@given(P_VALUES, st.sampled_from([0.01, 0.05, 0.2]))
def test_the_local_level_decides_exactly_as_the_correction_does(
    correction: Correction, p: list[float], alpha: float
) -> None:
    adjusted, levels = adjust(p, correction), local_alpha(p, alpha, correction)
    clear = np.abs(adjusted - alpha) > 1e-9  # within rounding of alpha either answer is right
    assert ((np.asarray(p) <= levels) == (adjusted <= alpha))[clear].all()
    assert (levels >= alpha / len(p) - 1e-15).all()
    assert (levels <= alpha + 1e-15).all()


@settings(deadline=None)
@given(st.lists(st.integers(-4, 4), min_size=1, max_size=8))
def test_sign_flips_are_enumerated_exactly(values: list[int]) -> None:
    n = len(values)
    sums = [sum(v if flips >> i & 1 else -v for i, v in enumerate(values)) for flips in range(2**n)]
    wanted = sum(abs(total) >= abs(sum(values)) for total in sums) / 2**n
    assert sign_flip_p([0.1 * value for value in values]) == pytest.approx(wanted)


def test_equivalence_is_two_one_sided_tests() -> None:
    weightstats = pytest.importorskip("statsmodels.stats.weightstats")
    differences = [0.01, -0.02, 0.015, 0.0, -0.005]
    base = np.zeros(5)
    found = effect(*differences, equivalence=0.03)
    assert found.p_equivalence == pytest.approx(weightstats.ttost_paired(np.array(differences), base, -0.03, 0.03)[0])
    assert found.verdict is Verdict.EQUIVALENT
    assert found.p_equivalence is not None
    assert found.p_equivalence < 0.025
    assert effect(*differences).p_equivalence is None


def test_the_effect_size_is_cohens_d_of_the_differences_without_its_bias() -> None:
    found = effect(1.0, 2.0, 3.0)
    assert found.sd == pytest.approx(1.0)
    # Hedges' J with two degrees of freedom: Γ(1) / (Γ(1/2) √1)
    assert found.size == pytest.approx(2.0 / math.sqrt(math.pi))
    draws = np.random.default_rng(0).normal(0.7, 1, size=(200_000, 5))
    sizes = hedges(4) * draws.mean(1) / draws.std(1, ddof=1)
    assert sizes.mean() == pytest.approx(0.7, abs=0.01)


def test_what_is_unsettled_says_about_how_many_seeds_it_needs() -> None:
    assert effect(0.1).verdict_text == "unsettled: needs 2 more seeds"
    found = effect(0.01, 0.03, -0.01, 0.02, equivalence=0.015)
    assert found.verdict is Verdict.UNSETTLED
    assert found.more_seeds is not None
    n = found.n + found.more_seeds
    half = any_time_critical_t(n, 0.05) * found.sd / math.sqrt(n)
    fewer = any_time_critical_t(n - 1, 0.05) * found.sd / math.sqrt(n - 1)
    assert found.mean > half or found.mean + half <= 0.015
    assert found.mean <= fewer
    assert found.mean + fewer > 0.015
    assert found.verdict_text == f"unsettled: needs about {found.more_seeds} more seeds"
    assert effect(0.01, 0.03, -0.01, 0.02).verdict_text == "no difference shown"
    assert effect(0.5, 0.5, 0.5).verdict_text == "unsettled"


def test_five_seeds_cannot_go_below_one_sixteenth() -> None:
    assert sign_flip_p([1, 2, 3, 4, 5]) == 0.0625
    assert sign_flip_p([1, 2, 3]) == 0.25
    assert sign_flip_p([0.0, 0.0, 0.0]) == 1


def test_many_pairs_are_sampled_and_near_the_t_test() -> None:
    values = np.random.default_rng(3).normal(0.4, 1, 40)
    assert sign_flip_p(list(values)) == pytest.approx(float(paired_t(values).p), abs=0.01)
    assert sign_flip_p(list(values)) == sign_flip_p(list(values))


@pytest.mark.parametrize(
    ("low", "high", "direction", "equivalence", "verdict"),
    [
        (0.1, 0.3, "maximize", None, "helps"),
        (0.1, 0.3, "minimize", None, "hurts"),
        (-0.3, -0.1, "maximize", None, "hurts"),
        (-0.3, -0.1, "minimize", None, "helps"),
        (-0.1, 0.3, "maximize", None, "no difference shown"),
        (0.0, 0.3, "maximize", None, "no difference shown"),
        (-0.1, 0.1, "maximize", 0.1, "equivalent"),
        (-0.1, 0.11, "maximize", 0.1, "unsettled"),
        (0.01, 0.05, "maximize", 0.1, "equivalent"),
        (0.01, 0.15, "maximize", 0.1, "helps"),
    ],
)
def test_the_words(low: float, high: float, direction: str, equivalence: float | None, verdict: str) -> None:
    assert decide(Intervals((low, high), (low, high)), direction, equivalence) == verdict  # type: ignore[arg-type]


def test_an_effect_is_arm_minus_baseline_on_the_pairs_both_completed() -> None:
    sta = ArmValues("sta", {0: 0.50, 1: 0.40, 2: 0.60, 3: 0.90}, {4: "failed"})
    mp = ArmValues("mp", {0: 0.53, 1: 0.44, 2: 0.65, 4: 0.10}, {3: "collapsed"})
    (found,) = paired_effects([mp], sta, ComparisonSpec(complete_metric("test/a", "maximize")))
    assert found.n == 3
    assert found.mean == pytest.approx(0.04)
    assert found.differences == pytest.approx({0: 0.03, 1: 0.04, 2: 0.05})
    assert (found.arm_mean, found.baseline_mean) == pytest.approx((0.54, 0.50))
    # with the failures at the worst value seen, 0.10: −0.80 at seed 3, and nothing at seed 4
    assert found.counted == FailuresCounted(1, 1, 5, 5, 5, pytest.approx(-0.136), ANY, ANY)
    assert found.verdict is Verdict.BETTER_WHERE_IT_WORKS
    notes = " ".join(found.notes)
    assert "seed 3: mp collapsed" in notes
    assert "seed 4: sta failed" in notes


def test_fewer_than_three_pairs_are_unsettled_however_large_the_difference() -> None:
    for differences in ([], [0.4], [0.4, 0.41]):
        found = effect(*differences)
        assert found.verdict is Verdict.UNSETTLED
        assert (found.low, found.high, found.p, found.p_adjusted) == (None, None, None, None)


@pytest.mark.parametrize("difference", [0.0, 0.1, -0.3])
def test_differences_without_spread_are_unsettled_and_warn_nobody(difference: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = effect(*[difference] * 5)
    assert found.verdict is Verdict.UNSETTLED
    assert found.mean == pytest.approx(difference)
    assert any("same difference" in note or "identical" in note for note in found.notes)


def test_an_arm_that_never_completed_keeps_its_place_in_the_family() -> None:
    base = arm("base", 0.5, 0.5, 0.5, 0.5)
    good = arm("good", 0.53, 0.54, 0.55, 0.56)
    gone = ArmValues("gone", {}, dict.fromkeys(range(4), "collapsed"))
    waiting = ArmValues("waiting", {}, dict.fromkeys(range(4), MISSING))
    alone = paired_effects([good], base, ComparisonSpec(complete_metric("m", "maximize")))[0]
    found = paired_effects([gone, good, waiting], base, ComparisonSpec(complete_metric("m", "maximize")))
    assert [e.verdict for e in found] == [Verdict.FAILS, Verdict.HELPS, Verdict.UNSETTLED]
    assert found[1].p_adjusted == pytest.approx(3 * alone.p)  # type: ignore[operator]
    assert found[1].level == pytest.approx(1 - 0.05 / 3)
    assert found[2].notes == ()


def test_equivalent_though_shown_to_differ_says_so() -> None:
    found = effect(0.0010, 0.0011, 0.0012, 0.0011, equivalence=0.005)
    assert found.verdict is Verdict.EQUIVALENT
    assert "smaller than the study calls practical" in found.notes[-1]


DIFFERENCES = st.lists(st.lists(st.floats(-1, 1), min_size=4, max_size=4), min_size=1, max_size=5)


@settings(deadline=None)
@given(DIFFERENCES, st.sampled_from([None, 0.05, 0.4]), st.sampled_from(["maximize", "minimize"]))
def test_what_is_printed_never_contradicts_itself(
    rows: list[list[float]], equivalence: float | None, direction: str
) -> None:
    base = arm("base", 0, 0, 0, 0)
    arms = [arm(f"arm {index}", *row) for index, row in enumerate(rows)]
    for found in paired_effects(arms, base, ComparisonSpec(complete_metric("m", direction), equivalence=equivalence)):  # type: ignore[arg-type]
        if found.low is None:
            assert found.verdict is Verdict.UNSETTLED
            continue
        assert found.high is not None
        assert found.p_adjusted is not None
        assert found.level is not None
        assert found.low <= found.mean <= found.high  # type: ignore[operator]
        assume(abs(found.p_adjusted - 0.05) > 1e-9)
        assert (found.low <= 0 <= found.high) == (found.p_adjusted > 0.05)
        if found.verdict is Verdict.NO_DIFFERENCE:
            assert found.low <= 0 <= found.high
        if found.verdict in (Verdict.HELPS, Verdict.HURTS):
            assert found.p_adjusted <= 0.05
            assert ((found.mean > 0) == (direction == "maximize")) == (found.verdict is Verdict.HELPS)  # type: ignore[operator]
        if found.verdict is Verdict.EQUIVALENT:
            assert max(-found.low, found.high) <= equivalence  # type: ignore[operator]
        mirrored = paired_effects(
            [arm("m", *[-v for v in a.values.values()]) for a in arms],
            base,
            ComparisonSpec(complete_metric("m", direction), equivalence=equivalence),  # type: ignore[arg-type]
        )
        opposite = {Verdict.HELPS: Verdict.HURTS, Verdict.HURTS: Verdict.HELPS}
        index = int(found.name.split()[1])
        assert mirrored[index].verdict is opposite.get(found.verdict, found.verdict)
