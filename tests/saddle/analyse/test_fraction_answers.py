"""The answer of a fraction that arms are excluded from: what it says, in words, of effects it can't tell apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from saddle.analyse.arms.contrast_effects import contrast_effects
from saddle.analyse.arms.effects import ComparisonSpec
from saddle.analyse.arms.paired_values import ArmValues
from saddle.analyse.arms.verdict import Verdict
from saddle.analyse.result import Answer
from saddle.design import make_arms, replicates_of
from saddle.design.fraction_contrasts import fraction_contrasts
from saddle.study.models import Ablation, Study
from tests.support.declared import declare
from tests.support.records import make_record
from tests.support.results import results_of
from trainables.contract import complete_metric

TRAINABLE = declare({"test/score": "maximize"}, "test/score")
BASELINE = dict.fromkeys("abcde", 0)


CLAIMS = (Verdict.HELPS, Verdict.HURTS)


def answered(exclude: list[dict[str, int]], blocks: dict[str, list[int]] | None = None) -> Answer:
    """a adds 3, b adds 10, c takes 1; seeds differ by 50, replicates by 0.05."""
    study = Study.model_validate(
        {
            "study": "spared",
            "trainable": "parabola",
            "ablation": {
                "baseline": BASELINE,
                "factors": {name: [0, 1] for name in BASELINE},
                "design": {"fractional": {"resolution": 5}},
                "exclude": exclude,
                "blocks": blocks or {},
                "seeds": 6,
                "compare": {"mixed_model": True},
            },
        }
    )
    assert study.ablation is not None
    draw = np.random.default_rng(2)
    entries = []
    for one in replicates_of(study.ablation, make_arms(study.ablation, BASELINE)):
        at: Any = one.arm.levels
        value = 3 * at["a"] + 10 * at["b"] - at["c"] + 50 * one.seed + 0.05 * draw.normal()
        entries.append(
            make_record(
                key=one.key, study="spared", seed=one.seed, outcome="completed", params={}, arm=one.arm.name,
                settings=dict(one.arm.settings), metrics={"test/score": value}, block=dict(one.block), curve=(),
            )
        )  # fmt: skip
    return results_of(study, TRAINABLE, entries, BASELINE).answer


@pytest.mark.parametrize("blocks", [None, {"epochs": [1, 2]}])
def test_planted_effects_are_found_and_what_is_mixed_up_is_said(blocks: Any) -> None:
    answer = answered([{"a": 1, "b": 1}], blocks)
    effects = {effect.name: effect for effect in answer.effects}
    wanted = {
        "a=1 (with shares of 1 other)": 3,
        "b=1 (with shares of 1 other)": 10,
        "c=1 (with shares of 3 others)": -1,
    }
    assert {name: effects[name].mean for name in wanted} == pytest.approx(wanted, abs=0.1)
    verdicts = [effects[name].verdict for name in wanted]
    assert verdicts == [Verdict.HELPS, Verdict.HELPS, Verdict.HURTS]
    for effect in answer.effects:
        assert effect.mixed is not None
        assert effect.mixed.mean == pytest.approx(effect.mean, abs=1e-6), "the mixed model weighs the arms alike"
    said = "\n".join(answer.warnings)
    for part in (
        "Excluded arms leave a fraction that is not balanced: effects are estimated by least squares from 12 arms",
        "The remaining arms can't distinguish a=1 × b=1 from other effects.",
        "a=1 (with shares of 1 other): holds −0.5 of a × b, which the remaining arms can't distinguish from it.",
    ):
        assert part in said, part
    assert any(row[0] == "main effect: a=1 (with shares of 1 other)" for row in answer.rows)


def test_a_whole_fraction_says_nothing_of_it() -> None:
    answer = answered([])
    assert not any("least squares" in warning for warning in answer.warnings)
    assert [effect.name for effect in answer.effects[:2]] == ["a=1", "b=1"]


def test_wrong_claims_stay_within_the_stated_level() -> None:
    """300 simulated studies with three true effects: of each family any other is claimed in 5 % of them at most."""
    factors = {name: [0, 1] for name in BASELINE}
    design = {"factors": factors, "design": {"fractional": {"resolution": 5}}, "exclude": [{"a": 1, "b": 1}]}
    arms = make_arms(Ablation.model_validate(design), BASELINE)
    draw = np.random.default_rng(11)
    wrong = dict.fromkeys(("main effect", "interaction"), 0)
    for _ in range(300):
        shift = draw.normal(0, 50, 6)
        measured = []
        for arm in arms:
            mean = 3 * arm.levels["a"] + 10 * arm.levels["b"] - arm.levels["c"]
            values = {seed: float(mean + shift[seed] + 0.05 * draw.normal()) for seed in range(6)}
            measured.append(ArmValues(arm.name, values))
        effects = contrast_effects(
            fraction_contrasts(factors, arms), measured, ComparisonSpec(complete_metric("test/score", "maximize"))
        )
        claimed = {kind: {e.name[0] for e in effects if e.kind == kind and e.verdict in CLAIMS} for kind in wrong}
        assert {"a", "b", "c"} <= claimed["main effect"]
        wrong["main effect"] += len(claimed["main effect"]) > 3
        wrong["interaction"] += len(claimed["interaction"]) > 0
    for kind, count in wrong.items():
        assert stats.binomtest(count, 300, 0.05, alternative="greater").pvalue > 0.001, (kind, count)
        assert count > 0, "or it would be no test"
