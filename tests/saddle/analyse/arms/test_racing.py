"""Racing claims no more than it may, however often it looks, and its answer follows from the ledger alone."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from saddle.analyse.arms.effects import ComparisonSpec, paired_effects
from saddle.analyse.arms.paired_values import MISSING, NO_VALUE, ArmValues
from saddle.analyse.arms.racing import RaceState, race
from saddle.analyse.arms.verdict import Verdict
from saddle.analyse.statistics.sequential.group_sequential import Spending, critical_values
from trainables.contract import complete_metric

SEEDS = range(8)
RULE = ComparisonSpec(complete_metric("m", "maximize"))
STUDIES = 2000
CLAIMS = (Verdict.HELPS, Verdict.HURTS)


def draw(
    generator: np.random.Generator, effects: list[float], shape: str = "normal"
) -> tuple[list[ArmValues], ArmValues]:
    """Arms with true effects, in standard deviations of a replicate; a seed shifts all arms alike."""
    noise = (
        generator.standard_normal if shape == "normal" else lambda size: generator.standard_t(3, size) / math.sqrt(3)
    )
    values = noise((len(effects) + 1, len(SEEDS))) + 2 * generator.standard_normal(len(SEEDS))
    values[1:] += np.array(effects)[:, None]
    arms = [ArmValues(f"arm {i}", dict(enumerate(row))) for i, row in enumerate(values[1:])]
    return arms, ArmValues("base", dict(enumerate(values[0])))


def trained(standing: RaceState, arms: list[ArmValues]) -> int:
    return sum(standing.settled.get(name, len(SEEDS)) for name in ["base", *(arm.arm for arm in arms)])


@pytest.mark.parametrize(
    ("spending", "shape"), [("obrien_fleming", "normal"), ("obrien_fleming", "heavy"), ("pocock", "normal")]
)
def test_in_two_thousand_null_studies_false_claims_stay_within_the_level(spending: Spending, shape: str) -> None:
    generator = np.random.default_rng(7)
    wrong = 0
    for _ in range(STUDIES):
        arms, base = draw(generator, [0.0, 0.0, 0.0], shape)
        wrong += any(effect.verdict in CLAIMS for effect in race(arms, base, SEEDS, RULE, spending).effects)
    rate = wrong / STUDIES
    assert rate <= 0.05 + 2.5 * math.sqrt(0.05 * 0.95 / STUDIES)
    assert rate > 0.01, "a race that claims nothing has not been tested"


def test_as_many_null_studies_claim_a_difference_as_the_readme_states() -> None:
    """Three arms against one baseline: the first claim of a race is made at the bounds of a third of the level."""
    looks = tuple(range(3, len(SEEDS) + 1))
    bounds = critical_values(looks, tuple(n / len(SEEDS) for n in looks), 0.05 / 3, "obrien_fleming")
    replicates = np.random.default_rng(123).standard_normal((200_000, 4, len(SEEDS)))
    differences = replicates[:, 1:] - replicates[:, :1]
    over = np.zeros(differences.shape[:2], dtype=bool)
    for n, bound in zip(looks, bounds, strict=True):
        first = differences[..., :n]
        over |= np.abs(first.mean(-1)) / (first.std(-1, ddof=1) / math.sqrt(n)) > bound
    assert 100 * over.any(axis=1).mean() == pytest.approx(4.7, abs=0.2)


def test_looking_after_every_seed_without_a_rule_would_claim_too_much() -> None:
    generator = np.random.default_rng(7)
    wrong = 0
    for _ in range(STUDIES):
        [arm], base = draw(generator, [0.0])
        for seen in range(3, len(SEEDS) + 1):
            first = [ArmValues(m.arm, {s: m.values[s] for s in range(seen)}) for m in (arm, base)]
            if paired_effects([first[0]], first[1], RULE)[0].verdict in CLAIMS:
                wrong += 1
                break
    assert wrong / STUDIES > 0.1


def test_what_is_true_beside_the_null_does_not_raise_the_error_and_racing_saves_trials() -> None:
    generator = np.random.default_rng(8)
    spec = ComparisonSpec(complete_metric("m", "maximize"), equivalence=2.5)
    wrong = trials = 0
    same = total = 0
    for _ in range(STUDIES // 4):
        arms, base = draw(generator, [8.0, -8.0, 0.0, 2.5])
        standing = race(arms, base, SEEDS, spec, "obrien_fleming")
        verdicts = [effect.verdict for effect in standing.effects]
        # at the margin "equivalent" is wrong, and "helps" is right
        wrong += verdicts[2] in CLAIMS or verdicts[3] in (Verdict.EQUIVALENT, Verdict.HURTS)
        wrong += verdicts[0] is Verdict.HURTS or verdicts[1] is Verdict.HELPS
        trials += trained(standing, arms)
        fixed = [effect.verdict for effect in paired_effects(arms, base, spec)]
        same += sum(a is b for a, b in zip(verdicts, fixed, strict=True))
        total += len(arms)
    assert wrong / (STUDIES // 4) <= 0.05 + 2.5 * math.sqrt(0.05 * 0.95 / (STUDIES // 4))
    assert trials / (STUDIES // 4) < 0.85 * 5 * len(SEEDS)
    assert same / total > 0.85


def test_intervals_cover_the_truth_although_the_race_chose_when_to_stop() -> None:
    generator = np.random.default_rng(9)
    missed = 0
    for _ in range(STUDIES):
        arms, base = draw(generator, [3.0])
        [effect] = race(arms, base, SEEDS, RULE, "obrien_fleming").effects
        assert effect.low is not None
        assert effect.high is not None
        missed += not effect.low <= 3.0 <= effect.high
    assert missed / STUDIES <= 0.05 + 2.5 * math.sqrt(0.05 * 0.95 / STUDIES)


def clear(waiting: dict[int, str] | None = None) -> tuple[list[ArmValues], ArmValues]:
    """An arm settled at once, and one that never is."""
    base = {s: 0.5 + 0.01 * (s % 3) for s in SEEDS}
    good = {s: value + 0.3 + 0.0001 * (s % 2) for s, value in base.items()}
    vague = {s: value + 0.02 * (-1) ** s for s, value in base.items()}
    gone = waiting or {}
    left = {s: v for s, v in good.items() if s not in gone}
    return [ArmValues("good", left, gone), ArmValues("vague", vague)], ArmValues("base", base)


def test_a_settled_arm_needs_no_more_seeds_and_the_baseline_as_many_as_any_arm() -> None:
    arms, base = clear()
    standing = race(arms, base, SEEDS, RULE, "pocock")
    good, vague = standing.effects
    assert good.verdict is Verdict.HELPS
    assert good.settled_after == good.n == standing.settled["good"] == 3
    assert set(good.differences) == {0, 1, 2}
    assert vague.verdict is Verdict.NO_DIFFERENCE
    assert vague.settled_after is None
    assert vague.n == len(SEEDS)
    assert [standing.needs("good", place) for place in SEEDS] == [True] * 3 + [False] * 5
    assert standing.needs("base", 7)
    alone = race(arms[:1], base, SEEDS, RULE, "pocock")
    assert alone.settled == {"good": 3, "base": 3}
    assert not alone.needs("base", 3)


def test_a_look_waits_for_the_seeds_before_it() -> None:
    arms, base = clear({1: MISSING})
    assert race(arms, base, SEEDS, RULE, "pocock").settled == {}
    arms, base = clear({1: NO_VALUE})
    standing = race(arms, base, SEEDS, RULE, "pocock")
    assert standing.settled["good"] == 4, "a replicate without a value is not a pair, and no reason to wait"
    assert standing.effects[0].n == 3
    arms, base = clear({1: "collapsed"})
    assert race(arms, base, SEEDS, RULE, "pocock").settled["good"] == 7, "one that failed counts as the worst one seen"


def test_what_ended_after_the_decision_changes_nothing() -> None:
    arms, base = clear()
    later = ArmValues("good", {**arms[0].values, 5: -9.0, 6: -9.0, 7: -9.0})
    assert race([later, arms[1]], base, SEEDS, RULE, "pocock") == race(arms, base, SEEDS, RULE, "pocock")


def test_the_last_look_has_all_that_is_left_even_where_replicates_have_no_value() -> None:
    generator = np.random.default_rng(10)
    wrong = 0
    for _ in range(STUDIES):
        [arm], base = draw(generator, [0.0])
        values = {seed: value for seed, value in arm.values.items() if seed not in (2, 7)}
        arm = ArmValues("arm 0", values, {2: NO_VALUE, 7: NO_VALUE})
        wrong += race([arm], base, SEEDS, RULE, "obrien_fleming").effects[0].verdict in CLAIMS
    assert wrong / STUDIES == pytest.approx(0.05, abs=3 * math.sqrt(0.05 * 0.95 / STUDIES))


def test_an_unfinished_race_says_so_far() -> None:
    arms, base = clear(dict.fromkeys(range(2, 8), MISSING))
    standing = race(arms, base, SEEDS, RULE, "pocock")
    assert standing.effects[0].verdict_text == "unsettled: needs 1 more seed"
    assert race([], base, SEEDS, RULE, "pocock").effects == ()


@pytest.mark.parametrize(("spending", "stated"), [("obrien_fleming", 0.60), ("pocock", 0.71)])
def test_arms_that_stopped_early_are_as_inflated_as_the_caution_says(spending: Spending, stated: float) -> None:
    """At a true effect of 1 standard deviation of a replicate; with three arms it is 0.71 and 0.77."""
    generator, excess = np.random.default_rng(22), []
    for _ in range(800):
        arms, base = draw(generator, [1.0])
        [effect] = race(arms, base, SEEDS, RULE, spending).effects
        if effect.settled_after is not None and effect.mean is not None:
            excess.append(effect.mean - 1.0)
    assert np.mean(excess) == pytest.approx(stated, abs=4 * np.std(excess) / math.sqrt(len(excess)))
    assert np.mean(excess) > 0.4


def test_p_and_interval_of_a_race_agree_and_its_mean_lies_inside() -> None:
    generator = np.random.default_rng(21)
    for _ in range(400):
        arms, base = draw(generator, [0.0, 1.0, 2.0])
        for effect in race(arms, base, SEEDS, RULE, "obrien_fleming").effects:
            assert effect.low is not None
            assert effect.high is not None
            assert effect.mean is not None
            assert effect.p_adjusted is not None
            assert effect.low <= effect.mean <= effect.high
            assert (effect.low <= 0 <= effect.high) == (effect.p_adjusted > RULE.alpha)


@pytest.mark.parametrize(("difference", "expected"), [(0.0, Verdict.EQUIVALENT), (0.25, Verdict.HELPS)])
def test_differences_without_spread_settle_a_race_as_they_settle_a_study_of_as_many_seeds(
    difference: float, expected: Verdict
) -> None:
    """Dyadic values, so that differences are exact; the sign test may be looked at after every seed."""
    values = [0.5, 0.625, 0.25, 0.75, 0.375, 0.125, 0.875, 0.5]
    base = ArmValues("base", dict(enumerate(values)))
    arm = ArmValues("arm", {seed: value + difference for seed, value in enumerate(values)})
    spec = replace(RULE, equivalence=0.03125)
    raced = race([arm], base, SEEDS, spec, "obrien_fleming")
    assert raced.effects[0].verdict is expected
    assert raced.settled["arm"] == 6, "2^(1-6) = .031 is the first p below .05"
    first = [ArmValues(side.arm, {seed: side.values[seed] for seed in range(6)}) for side in (arm, base)]
    [fixed] = paired_effects([first[0]], first[1], spec)
    assert fixed.verdict is expected
    assert raced.effects[0].p == fixed.p
    [early] = race([arm], base, range(5), spec, "obrien_fleming").effects
    assert early.verdict is Verdict.UNSETTLED


def test_a_race_in_which_a_difference_gets_spread_later_goes_on_with_the_t_test() -> None:
    values = dict.fromkeys(SEEDS, 0.5)
    arm = ArmValues("arm", {seed: 0.5 + 0.25 * (seed >= 4) for seed in SEEDS})
    [effect] = race([arm], ArmValues("base", values), SEEDS, RULE, "obrien_fleming").effects
    assert effect.verdict is Verdict.NO_DIFFERENCE
    assert effect.low is not None
    assert effect.low < effect.mean < (effect.high or 0)
