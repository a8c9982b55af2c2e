"""Seeds that are added after a look: how often a difference is claimed where there is none, the first look included.

Simulated (100,000 studies of one arm against a baseline, at 5 %), in per cent of the studies; before: with a t interval
at every look, after: with a t interval at the first look and the bound for any stopping time at those that follow.

| looks                                              | before | after |
|----------------------------------------------------|--------|-------|
| 5 → 8 seeds                                        |    8.2 |   5.0 |
| 5 → 8 → 12                                         |   10.9 |   5.1 |
| one at a time from 5 to 10                         |   12.5 |   5.1 |
| one at a time from 3 to 10                         |   16.6 |   5.7 |
| from 5, five times as many as we said were needed  |   15.5 |   5.4 |
| 5 → 8 → 12, both arms skewed (log-normal)          |    6.8 |   2.6 |
| 5 → 8 → 12, the arm's worst quarter fails: `helps` |   13.1 |   1.9 |

The last row's "before" is of the complete pairs alone, its "after" with failures counted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from saddle.analyse.answer_study import answer_study
from saddle.analyse.arms.effect import Effect
from saddle.analyse.arms.effects import ComparisonSpec, more_seeds, paired_effects
from saddle.analyse.arms.guards import not_worse_p
from saddle.analyse.arms.paired_values import ArmValues
from saddle.analyse.arms.verdict import Verdict
from saddle.analyse.result import Answer
from saddle.analyse.sentences import paragraph
from saddle.analyse.statistics.sequential.any_time import any_time_critical_t
from saddle.analyse.statistics.t_distribution import critical_t
from saddle.archive.progress import Progress
from saddle.archive.study_status import StudyState
from saddle.cli.output.display import state_line
from saddle.design import make_arms
from saddle.report.study_report import StudyReport
from saddle.report.study_sections.plans import blocks
from saddle.study.history import UNCHANGED, PlanHistory, SeedPlan
from saddle.study.models import Study
from saddle.study.seeds import MOST_RACED
from tests.support.declared import declare
from tests.support.records import make_record
from tests.support.results import results_of
from trainables.contract import complete_metric

SPEC = ComparisonSpec(complete_metric("m", "maximize"))
STUDIES = 100_000
STEPWISE = (5, 6, 7, 8, 9, 10)


def statistic(values: np.ndarray, n: int) -> np.ndarray:
    """The |t| of the first n differences of every study."""
    first = values[:, :n]
    return np.abs(first.mean(axis=1)) / first.std(axis=1, ddof=1) * math.sqrt(n)


def false_claims(values: np.ndarray, looks: Sequence[int]) -> tuple[float, float]:
    """The share of studies that claim a difference at one of the looks: by t alone, and as saddle judges them."""
    before, after = np.zeros(len(values), dtype=bool), np.zeros(len(values), dtype=bool)
    for look in looks:
        t = statistic(values, look)
        before |= t > critical_t(look - 1, 0.05)
        after |= t > (critical_t(look - 1, 0.05) if look == looks[0] else any_time_critical_t(look, 0.05))
    return float(before.mean()), float(after.mean())


def arm(name: str, values: np.ndarray, fails: np.ndarray | None = None) -> ArmValues:
    gone = np.zeros(len(values), dtype=bool) if fails is None else fails
    there = {seed: float(value) for seed, value in enumerate(values) if not gone[seed]}
    return ArmValues(name, there, {seed: "collapsed" for seed in range(len(values)) if gone[seed]})


def look_at(values: np.ndarray, base: np.ndarray, n: int, first: int, fails: np.ndarray | None = None) -> Effect:
    """The effect as a study has it after `n` seeds whose first plan was for `first` of them."""
    spec = replace(SPEC, planned=n, any_time=n > first)
    gone = None if fails is None else fails[:n]
    [effect] = paired_effects([arm("a", values[:n], gone)], arm("b", base[:n]), spec)
    return effect


@pytest.mark.parametrize(
    ("looks", "before", "after"),
    [((5, 8), 0.082, 0.050), ((5, 8, 12), 0.109, 0.051), (STEPWISE, 0.125, 0.051), ((3, 4, *STEPWISE), 0.166, 0.057)],
)
def test_the_first_look_and_all_later_ones_claim_too_much_in_six_per_cent_at_most(
    looks: tuple[int, ...], before: float, after: float
) -> None:
    rates = false_claims(np.random.default_rng(1).standard_normal((STUDIES, 12)), looks)
    assert rates == pytest.approx((before, after), abs=0.003)
    assert rates[1] <= 0.06


def test_skewed_noise_and_added_seeds_together_claim_no_more() -> None:
    skewed = np.exp(np.random.default_rng(2).standard_normal((2, STUDIES, 12)))
    assert false_claims(skewed[0] - skewed[1], (5, 8, 12)) == pytest.approx((0.068, 0.026), abs=0.003)


def test_a_study_takes_the_steps_that_are_simulated() -> None:
    generator = np.random.default_rng(3)
    values = generator.standard_normal((60, 12)) + 1.2
    for look in (5, 8, 12):
        bound = critical_t(look - 1, 0.05) if look == 5 else any_time_critical_t(look, 0.05)
        effects = [look_at(row, np.zeros(12), look, 5) for row in values]
        assert [effect.verdict is Verdict.HELPS for effect in effects] == list(statistic(values, look) > bound)
        for effect in effects:
            assert effect.low is not None
            assert effect.p_adjusted is not None
            assert (effect.low > 0) == (effect.p_adjusted <= 0.05)


def test_adding_five_times_as_many_seeds_as_we_said_were_needed() -> None:
    """With a margin of half a standard deviation, so that it is said how many are needed."""
    rates = [followed_advice(as_extended) for as_extended in (False, True)]
    assert rates[0] == pytest.approx(0.155, abs=0.03)
    assert rates[1] <= 0.05 + 2.5 * math.sqrt(0.05 * 0.95 / 1200)


def followed_advice(as_extended: bool, studies: int = 1200, margin: float = 0.5) -> float:
    """The share of studies that end in a false claim, at most 400 seeds each; with `as_extended` as saddle does it."""
    spec = replace(SPEC, equivalence=margin, planned=5 if as_extended else 10**6)
    [template] = paired_effects([arm("a", np.array([1.0, 2.0, 1.5]))], arm("b", np.zeros(3)), spec)
    generator, wrong = np.random.default_rng(4), 0
    for _ in range(studies):
        values, n = generator.standard_normal(400), 5
        for step in range(6):
            mean, sd = float(values[:n].mean()), float(values[:n].std(ddof=1))
            after_a_look = as_extended and step > 0
            half = (any_time_critical_t(n, 0.05) if after_a_look else critical_t(n - 1, 0.05)) * sd / math.sqrt(n)
            wrong += abs(mean) > half and abs(mean) + half > margin
            if abs(mean) > half or abs(mean) + half <= margin:
                break
            needed = more_seeds(replace(template, n=n, mean=mean, sd=sd), replace(spec, any_time=after_a_look), 0.05)
            if needed is None or n + needed > len(values):
                break
            n += needed
    return wrong / studies


def test_failing_seeds_and_added_seeds_together_do_not_make_an_arm_help() -> None:
    """The arm equals the baseline but for its worst quarter, which fails."""
    generator, studies = np.random.default_rng(5), 600
    helped = dropped = 0
    for _ in range(studies):
        common = generator.standard_normal(12) / math.sqrt(2)
        own, base = generator.standard_normal((2, 12)) / math.sqrt(2) + common
        fails = own < stats.norm.ppf(0.25)
        effects = [look_at(own, base, look, 5, fails) for look in (5, 8, 12)]
        helped += any(effect.verdict is Verdict.HELPS for effect in effects)
        both = (own - base)[~fails]
        dropped += any(t_says_it_helps(both[: int((~fails[:look]).sum())]) for look in (5, 8, 12))
    assert helped / studies <= 0.025 + 2.5 * math.sqrt(0.025 * 0.975 / studies)
    assert dropped / studies > 0.09, "the t interval of the complete pairs alone, at every look"


def t_says_it_helps(differences: np.ndarray) -> bool:
    n = len(differences)
    if n < 3:
        return False
    return bool(differences.mean() > critical_t(n - 1, 0.05) * differences.std(ddof=1) / math.sqrt(n))


def test_too_few_pairs_for_any_stopping_time_ask_for_more_and_have_no_interval() -> None:
    effect = look_at(np.array([1.0, 1.6, 0.4]), np.zeros(3), 3, 2)
    assert (effect.low, effect.verdict) == (None, Verdict.UNSETTLED)
    assert effect.verdict_text == "unsettled: needs about 4 more seeds"
    assert "3 pairs are too few for the bound that holds whenever one stops" in paragraph([effect], SPEC)


def test_what_is_needed_after_a_look_reckons_with_the_bound_that_will_judge_it() -> None:
    values, base = np.array([0.6, -0.2, 0.9, 0.1, 0.4]), np.zeros(5)
    spec = replace(SPEC, equivalence=0.05, planned=5)
    [after] = paired_effects([arm("a", values)], arm("b", base), spec)
    [planned] = paired_effects([arm("a", values)], arm("b", base), replace(spec, planned=100))
    assert after.more_seeds is not None
    assert planned.more_seeds is not None
    assert after.more_seeds > planned.more_seeds


PLANS = PlanHistory((SeedPlan((0, 1, 2, 3), (4,)), SeedPlan((0, 1, 2, 3, 4), (5,), finished=8)))


def ablation_of(**section: Any) -> Study:
    compare = {"metric": "test/m", "equivalence": 0.001}
    factors = {"factors": {"p": ["b", "a"]}, "baseline": {"p": "b"}, "compare": compare}
    return Study.model_validate({"study": "s", "trainable": "t", "ablation": {**factors, "seeds": 5, **section}})


def answer_of(study: Study, history: PlanHistory, values: Sequence[float], base: Sequence[float]) -> Answer:
    arms = make_arms(study.ablation, study.ablation.baseline)
    records = [
        make_record(
            f"{arm.key}-{seed}", "s", seed, "completed", {}, dict(arm.settings), {"test/m": value}, arm=arm.name
        )
        for arm, row in zip(arms, (base, values), strict=True)
        for seed, value in enumerate(row)
    ]
    return answer_study(study, declare({"test/m": "maximize"}), records, arms, history)


BASE = (0.50, 0.51, 0.52, 0.50, 0.51)
NEARLY = (0.51, 0.53, 0.52, 0.52, 0.54)
"""|t| = 3.5 against `BASE`: enough for a t test, and not for the bound at any stopping time."""


def test_an_answer_with_added_seeds_is_judged_by_the_wider_bound_and_says_why() -> None:
    plain = answer_of(ablation_of(), UNCHANGED, NEARLY, BASE)
    extended = answer_of(ablation_of(), PLANS, NEARLY, BASE)
    assert (plain.effects[0].verdict, extended.effects[0].verdict) == (Verdict.HELPS, Verdict.UNSETTLED)
    [caution] = [warning for warning in extended.warnings if "were added after results could be seen" in warning]
    assert "4 seeds → 5 seeds when 8 trials had ended" in caution
    assert "with 5 seeds |t| must reach 5.36, where a t test asks for 2.78" in caution
    assert not any("were added after" in warning for warning in plain.warnings)


def test_an_answer_that_asks_for_more_seeds_names_their_price_and_how_to_declare_looks() -> None:
    found = answer_of(ablation_of(), UNCHANGED, (0.50, 0.52, 0.51, 0.51, 0.515), BASE)
    effect = found.effects[0]
    assert effect.verdict is Verdict.UNSETTLED
    assert effect.more_seeds is not None
    [caution] = [warning for warning in found.warnings if "come after a look" in warning]
    assert f"seeds: {{start: 5, at_most: {5 + effect.more_seeds}}}" in caution


def test_no_looks_are_proposed_that_a_study_file_may_not_declare() -> None:
    found = answer_of(ablation_of(), UNCHANGED, (0.48, 0.54, 0.51, 0.51, 0.515), BASE)
    assert found.effects[0].more_seeds is not None
    assert found.effects[0].more_seeds > MOST_RACED
    [caution] = [warning for warning in found.warnings if "come after a look" in warning]
    assert "at_most" not in caution


def test_a_race_with_added_seeds_is_judged_by_the_wider_bound_at_every_look() -> None:
    race = answer_of(ablation_of(race="pocock"), UNCHANGED, NEARLY, BASE).effects[0]
    extended = answer_of(ablation_of(race="pocock"), PLANS, NEARLY, BASE).effects[0]
    assert extended.verdict is Verdict.UNSETTLED
    for effect in (race, extended):
        assert effect.low is not None
        assert effect.high is not None
        assert effect.mean is not None
    assert extended.sd is not None
    half = any_time_critical_t(5, 0.05) * extended.sd / math.sqrt(5)
    assert extended.low == pytest.approx(extended.mean - half)
    assert race.high - race.low < extended.high - extended.low


def test_a_guard_with_added_seeds_is_judged_by_the_wider_bound_too() -> None:
    """Simulated: 5 → 8 → 12 seeds, the arm a margin worse; at 2.5 % a t test at each look lets 6 % pass."""
    values = np.random.default_rng(9).standard_normal((2000, 12))
    passed = np.zeros((2, len(values)), dtype=bool)
    for look in (5, 8, 12):
        for way in (False, True):
            p = [not_worse_p(list(row[:look] - 0.5), 0.5, any_time=way and look > 5) for row in values]
            passed[int(way)] |= np.asarray(p) <= 0.025
    before, after = passed.mean(axis=1)
    assert before > 0.045
    assert after <= 0.025 + 3 * math.sqrt(0.025 * 0.975 / len(values))
    guarded = ablation_of(compare={"metric": "test/m", "not_worse": {"test/m": 0.001}})
    plain, extended = (answer_of(guarded, history, NEARLY, BASE) for history in (UNCHANGED, PLANS))
    assert not plain.effects[0].reservations
    assert extended.effects[0].reservations


def test_status_and_report_tell_of_the_plans() -> None:
    study = ablation_of()
    results = replace(results_of(study, declare({"test/m": "maximize"}), [], {"p": "b"}), history=PLANS)
    [table] = blocks(StudyReport(results))
    assert table.rows[1][2:] == ("0, …, 4", "5", "8")
    state = StudyState(Progress("s", state="finished"), None, history=PLANS)
    assert "seeds added after a look: 4 seeds → 5 seeds when 8 trials had ended" in state_line(state)
    assert [plan["finished"] for plan in state.facts()["plans"]] == [0, 8]
