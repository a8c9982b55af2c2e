"""Factorial effects carry the mixed model's view: the same contrast, with the noise of all arms together."""

from __future__ import annotations

import numpy as np
import pytest

from saddle.analyse.arms.contrast_effects import contrast_effects
from saddle.analyse.arms.effects import ComparisonSpec
from saddle.analyse.arms.mixed_effects import with_mixed
from saddle.analyse.arms.paired_values import measure
from saddle.design import make_arms, replicates
from saddle.design.designs.factorial import Factorial
from saddle.study.models import Ablation
from saddle.trial.record import TrialRecord
from tests.support.records import make_record
from trainables.contract import complete_metric

SPEC = ComparisonSpec(complete_metric("m", "maximize"))
FACTORS = {"a": [False, True], "b": [False, True]}
SECTION = {
    "design": "factorial",
    "baseline": {"a": False, "b": False},
    "factors": FACTORS,
    "seeds": 6,
    "compare": {"mixed_model": True},
}


def entries_of(ablation: Ablation, interaction: float) -> list[TrialRecord]:
    draw = np.random.default_rng(12)
    arms = make_arms(ablation, ablation.baseline)
    shift = {seed: 2 * draw.standard_normal() for seed in ablation.seed_list}
    return [
        make_record(
            one.key, "s", one.seed, "completed", {}, dict(one.arm.settings),
            {"m": float(shift[one.seed] + one.arm.settings["a"] + interaction * one.arm.settings["a"]
                        * one.arm.settings["b"] + 0.3 * draw.standard_normal())},
            arm=one.arm.name,
        )
        for one in replicates(arms, ablation.seed_list)
    ]  # fmt: skip


def test_each_contrast_has_both_estimates() -> None:
    ablation = Ablation.model_validate(SECTION)
    entries = entries_of(ablation, 2.0)
    arms = make_arms(ablation, ablation.baseline)
    measured = [measure(entries, arm, "m", ablation.seed_list) for arm in arms]
    paired = contrast_effects(Factorial().contrasts(FACTORS, arms), measured, SPEC)
    found = with_mixed(paired, ablation, arms, entries, "m")
    assert [effect.name for effect in found] == ["a=true", "b=true", "a=true × b=true"]
    for effect, before in zip(found, paired, strict=True):
        assert effect.mixed is not None
        assert effect.mixed.mean == pytest.approx(before.mean, rel=1e-6), "balanced, so the same contrast"
        assert effect.mixed.freedom == 15
        assert effect.verdict is before.verdict, "it decides nothing"
    assert found[2].mixed is not None
    assert found[2].mixed.low > 0


def test_other_designs_and_empty_ledgers_have_none() -> None:
    ablation = Ablation.model_validate({**SECTION, "design": "one_factor"})
    arms = make_arms(ablation, ablation.baseline)
    entries = entries_of(ablation, 0.0)
    measured = [measure(entries, arm, "m", ablation.seed_list) for arm in arms]
    paired = contrast_effects(
        Factorial().contrasts({"a": FACTORS["a"]}, arms[:2]),
        measured[:2],
        SPEC,
    )
    assert all(effect.mixed is None for effect in with_mixed(paired, ablation, arms, entries, "m"))
    whole = Ablation.model_validate(SECTION)
    assert with_mixed([], whole, make_arms(whole, whole.baseline), [], "m") == ()


def test_the_noise_of_arms_is_not_pooled_unasked() -> None:
    ablation = Ablation.model_validate({**SECTION, "compare": {}})
    entries = entries_of(ablation, 2.0)
    arms = make_arms(ablation, ablation.baseline)
    measured = [measure(entries, arm, "m", ablation.seed_list) for arm in arms]
    paired = contrast_effects(Factorial().contrasts(FACTORS, arms), measured, SPEC)
    assert with_mixed(paired, ablation, arms, entries, "m") == tuple(paired)
