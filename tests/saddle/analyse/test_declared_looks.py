"""Looks that are declared beforehand: α is spent over them, and an arm that one of them settles gets no more seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from saddle.analyse.ablation import judge_arms
from saddle.analyse.answer_study import answer_study
from saddle.analyse.arms.effects import ComparisonSpec
from saddle.analyse.arms.paired_values import MISSING, ArmValues
from saddle.analyse.arms.racing import RaceState, race
from saddle.analyse.arms.verdict import Verdict
from saddle.analyse.remaining_replicates import needs_of
from saddle.analyse.statistics.sequential.group_sequential import critical_values
from saddle.design import make_arms, replicates_of
from saddle.study.models import Ablation, Study
from tests.support.declared import declare
from tests.support.records import make_record
from trainables.contract import complete_metric

SPEC = ComparisonSpec(complete_metric("m", "maximize"))
LOOKS = {"start": 5, "at_most": 20}
MOST = 20


def study_of(seeds: object = LOOKS, **section: object) -> Study:
    factors = {"baseline": {"p": "b"}, "factors": {"p": ["b", "a"]}, "compare": {"metric": "m"}}
    return Study.model_validate({"study": "s", "trainable": "t", "ablation": {**factors, "seeds": seeds, **section}})


def ablation_of(seeds: object = LOOKS, **section: object) -> Ablation:
    ablation = study_of(seeds, **section).ablation
    assert ablation is not None
    return ablation


def state_of(values: Sequence[float], base: Sequence[float]) -> RaceState:
    """Where the study stands with these first seeds of both arms."""
    study = study_of()
    assert study.ablation is not None
    missing = dict.fromkeys(range(len(values), MOST), MISSING)
    measured = [ArmValues(name, dict(enumerate(row)), missing) for name, row in (("p=b", base), ("p=a", values))]
    return judge_arms(study, make_arms(study.ablation, {"p": "b"}), measured, SPEC)


@pytest.mark.parametrize(
    ("seeds", "race", "looks"),
    [
        (5, False, (5,)),
        ([4, 7, 1], False, (3,)),
        (LOOKS, False, (5, 10, 20)),
        ({"start": 5, "at_most": 24}, False, (5, 10, 20, 24)),
        ({"start": 3, "at_most": 4}, False, (3, 4)),
        ({"start": 5, "at_most": 8}, True, (5, 6, 7, 8)),
        (6, True, (3, 4, 5, 6)),
    ],
)
def test_when_the_arms_are_looked_at(seeds: object, race: bool, looks: tuple[int, ...]) -> None:
    assert ablation_of(seeds, race=race).looks == looks


def test_an_arm_that_a_look_settles_needs_no_more_and_nothing_is_decided_between_looks() -> None:
    base = [0.5 + 0.01 * (seed % 3) for seed in range(MOST)]
    better = [value + 0.3 + 0.0001 * (seed % 2) for seed, value in enumerate(base)]
    before = state_of(better[:4], base[:4])
    assert (before.settled, before.effects[0].verdict) == ({}, Verdict.UNSETTLED)
    settled = state_of(better[:7], base[:7])
    assert settled.settled == {"p=a": 5, "p=b": 5}
    assert (settled.effects[0].verdict, settled.effects[0].n) == (Verdict.HELPS, 5)
    assert [settled.needs("p=a", place) for place in (4, 5, 19)] == [True, False, False]


def test_the_runs_replicates_end_with_the_look_that_settles_them() -> None:
    study = study_of()
    assert study.ablation is not None
    arms = make_arms(study.ablation, {"p": "b"})
    records = [
        make_record(r.key, "s", r.seed, "completed", {}, dict(r.arm.settings), {"m": value}, arm=r.arm.name)
        for r in replicates_of(study.ablation, arms)
        if r.seed < 5
        for value in [0.01 * (r.seed % 3) + (0.3 + 0.0001 * (r.seed % 2) if not r.arm.is_baseline else 0.0)]
    ]
    needs = needs_of(study, arms, records, declare({"m": "maximize"}))
    assert not any(needs(replicate) for replicate in replicates_of(study.ablation, arms) if replicate.seed >= 5)


def test_an_arm_that_stopped_early_is_said_to_look_too_good() -> None:
    study = study_of()
    assert study.ablation is not None
    arms = make_arms(study.ablation, {"p": "b"})
    warnings = {}
    for difference in (0.3, 0.0):
        records = [
            make_record(r.key, "s", r.seed, "completed", {}, dict(r.arm.settings), {"m": value}, arm=r.arm.name)
            for r in replicates_of(study.ablation, arms)
            for value in [0.01 * (r.seed % 3) + (0.0 if r.arm.is_baseline else difference + 0.001 * (-1) ** r.seed)]
        ]
        warnings[difference] = answer_study(study, declare({"m": "maximize"}), records, arms).warnings
    assert any("a stopped early, which chance makes likelier" in warning for warning in warnings[0.3])
    assert any("Looks settled 1 of 1 arm before the last seed" in warning for warning in warnings[0.3])
    assert not any("stopped early" in warning for warning in warnings[0.0])


def test_false_claims_over_all_looks_are_those_of_alpha() -> None:
    """Simulated like a study, whose steps the last lines take: 5.0 % in all, where t at each look claims 12 %."""
    bounds = critical_values((5, 10, 20), (0.25, 0.5, 1.0), 0.05, "pocock")
    values = np.random.default_rng(8).standard_normal((100_000, MOST))
    claimed = np.zeros((2, len(values)), dtype=bool)
    for look, bound in zip((5, 10, 20), bounds, strict=True):
        first = values[:, :look]
        t = np.abs(first.mean(axis=1)) / first.std(axis=1, ddof=1) * math.sqrt(look)
        claimed |= [t > bound, t > complete_t(look)]
    assert claimed.mean(axis=1) == pytest.approx((0.050, 0.119), abs=0.004)
    base = ArmValues("b", dict.fromkeys(range(MOST), 0.0))
    for row, said in zip(values[:150], claimed[0], strict=False):
        [effect] = race([ArmValues("a", dict(enumerate(row)))], base, range(MOST), SPEC, "pocock", (5, 10, 20)).effects
        assert (effect.verdict in (Verdict.HELPS, Verdict.HURTS)) == said


def complete_t(n: int) -> float:
    from scipy import stats

    return float(stats.t.isf(0.025, n - 1))
