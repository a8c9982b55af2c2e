"""Factorial contrasts are paired on seeds, balanced over other factors, and need every arm they use."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from saddle.analyse.arms.contrast_effects import contrast_effects, unestimable
from saddle.analyse.arms.effect import Effect
from saddle.analyse.arms.effects import ComparisonSpec
from saddle.analyse.arms.paired_values import ArmValues
from saddle.analyse.arms.verdict import Verdict
from saddle.design import Arm, make_arms
from saddle.design.designs.factorial import Factorial
from saddle.design.fraction_contrasts import fraction_contrasts
from saddle.study.models import Ablation
from trainables.contract import complete_metric

SPEC = ComparisonSpec(complete_metric("m", "maximize"))
FACTORS = {"a": [0, 1, 2], "b": ["x", "y"], "c": [False, True]}
ARMS = make_arms(Ablation.model_validate({"factors": FACTORS, "design": "factorial"}), {"a": 1, "b": "x", "c": True})


def effects(noise: float, lost: dict[int, int] | None = None) -> dict[str, Effect]:
    """y = 3 [a=0] + 5 [a=2] + 1 [b=y] + 2 [c=false] + 4 [a=2][b=y] + a shift per seed + noise."""
    draw = np.random.default_rng(5)
    shift = draw.normal(0, 50, 5)
    measured = []
    for index, arm in enumerate(ARMS):
        s = arm.settings
        mean = (
            3 * (s["a"] == 0)
            + 5 * (s["a"] == 2)
            + (s["b"] == "y")
            + 2 * (not s["c"])
            + 4 * (s["a"] == 2) * (s["b"] == "y")
        )
        values = {seed: mean + shift[seed] + noise * draw.normal() for seed in range(5)}
        gone = (lost or {}).get(index)
        if gone is not None:
            del values[gone]
        measured.append(ArmValues(arm.name, values, {} if gone is None else {gone: "collapsed"}))
    found = contrast_effects(Factorial().contrasts(FACTORS, ARMS), measured, SPEC)
    return {effect.name: effect for effect in found}


def test_every_level_and_every_pair_of_levels_has_its_effect() -> None:
    found = effects(0.01)
    main = ["a=0", "a=2", "b=y", "c=false"]
    pairs = ["a=0 × b=y", "a=2 × b=y", "a=0 × c=false", "a=2 × c=false", "b=y × c=false"]
    assert list(found) == [*main, *pairs]
    wanted = dict(zip(found, [3, 5 + 4 / 2, 1 + 4 / 3, 2, 0, 4, 0, 0, 0], strict=True))
    for name, effect in found.items():
        assert effect.mean == pytest.approx(wanted[name], abs=0.03), name
        assert effect.n == 5
    for name in [*main, "a=2 × b=y"]:
        assert found[name].verdict is Verdict.HELPS
    assert {found[name].kind for name in main} == {"main effect"}
    assert found["a=0 × b=y"].verdict is Verdict.NO_DIFFERENCE


def test_the_average_seed_shift_cancels() -> None:
    """Seeds differ by 50 and effects by 1: only pairing can show them."""
    assert effects(0.1)["c=false"].verdict is Verdict.HELPS


def test_a_seed_counts_only_where_every_arm_of_the_contrast_completed() -> None:
    index = next(i for i, arm in enumerate(ARMS) if arm.settings == {"a": 2, "b": "y", "c": False})
    found = effects(0.01, {index: 3})
    assert found["a=2"].n == found["b=y"].n == found["a=2 × b=y"].n == 4
    assert found["a=0"].n == found["a=0 × c=false"].n == 5
    assert 3 not in found["a=2"].differences
    assert any("collapsed" in note for note in found["a=2"].notes)


def test_arms_are_the_full_product() -> None:
    assert len(ARMS) == len(list(itertools.product(*FACTORS.values())))


def measured_by(arms: list[Arm], mean: Callable[[Mapping[str, Any]], float], noise: float = 0.01) -> list[ArmValues]:
    """Every arm at its mean, with a shift per seed and noise."""
    draw = np.random.default_rng(7)
    shift = draw.normal(0, 50, 6)
    return [
        ArmValues(arm.name, {seed: mean(arm.levels) + shift[seed] + noise * draw.normal() for seed in range(6)})
        for arm in arms
    ]


def test_a_fraction_shows_main_effects_and_interactions_with_their_aliases() -> None:
    """c × d is planted, and a × b wears its name as an alias; main effects stay clear of both at resolution IV."""
    factors = {name: ["off", "on"] for name in "abcd"}
    ablation = Ablation.model_validate({"factors": factors, "design": "fractional"})
    arms = make_arms(ablation, dict.fromkeys(factors, "on"))
    assert len(arms) == 8
    planted = measured_by(arms, lambda at: 3 * (at["a"] == "off") + 4 * (at["c"] == "off") * (at["d"] == "off"))
    found = contrast_effects(fraction_contrasts(factors, arms), planted, SPEC)
    means = {effect.name: effect.mean for effect in found}
    wanted = {"a=off": 3, "b=off": 0, "c=off": 2, "d=off": 2}
    wanted |= {"a=off × b=off (= c × d)": 4, "a=off × c=off (= b × d)": 0, "a=off × d=off (= b × c)": 0}
    assert means == pytest.approx(wanted, abs=0.03)
    assert [effect.kind for effect in found] == ["main effect"] * 4 + ["interaction"] * 3
    assert found[4].verdict is Verdict.HELPS
    assert found[5].verdict is Verdict.NO_DIFFERENCE
    assert {effect.n for effect in found} == {6}


def test_a_fraction_loses_a_seed_where_any_arm_of_it_is_lost() -> None:
    factors = {name: [0, 1] for name in "abc"}
    ablation = Ablation.model_validate({"factors": factors, "design": {"fractional": {"resolution": 3}}})
    arms = make_arms(ablation, dict.fromkeys(factors, 0))
    planted = measured_by(arms, lambda at: 2 * at["a"] - 6 * at["b"] * at["c"])
    values = dict(planted[1].values)
    del values[2]
    planted[1] = ArmValues(planted[1].arm, values, {2: "diverged"})
    found = contrast_effects(fraction_contrasts(factors, arms), planted, SPEC)
    assert {effect.name for effect in found} == {"a=1 (= −b × c)", "b=1 (= −a × c)", "c=1 (= −a × b)"}
    assert {effect.n for effect in found} == {5}
    # the main effect of a, plus half of its alias: a is mixed up with −(b × c), and b × c is −6
    assert found[0].mean == pytest.approx(2 + 6 / 2, abs=0.03)


def test_a_fraction_without_some_arms_is_estimated_by_least_squares() -> None:
    """Means of what is left would be biased: b=on is met more often with a=on than without."""
    factors = {name: ["off", "on"] for name in "abcde"}
    ablation = Ablation.model_validate(
        {
            "factors": factors,
            "design": {"fractional": {"resolution": 5}},
            "exclude": [{"a": "off", "b": "off"}],
        }
    )
    arms = make_arms(ablation, dict.fromkeys(factors, "on"))
    assert len(arms) == 12
    planted = measured_by(arms, lambda at: 3 * (at["a"] == "off") + 10 * (at["b"] == "off") - (at["c"] == "off"))
    means = {at: np.mean([m.values[0] for m, arm in zip(planted, arms, strict=True) if arm.levels["a"] == at])
             for at in ("off", "on")}  # fmt: skip
    assert abs(means["off"] - means["on"] - 3) > 4, "what plain means would say"
    found = contrast_effects(fraction_contrasts(factors, arms), planted, SPEC)
    by_term = {effect.name.partition(" (")[0]: effect for effect in found}
    wanted = {"a=off": 3, "b=off": 10, "c=off": -1, "d=off": 0, "e=off": 0}
    assert {name: by_term[name].mean for name in wanted} == pytest.approx(wanted, abs=0.03)
    assert all(effect.mean == pytest.approx(0, abs=0.05) for effect in found if effect.kind == "interaction")
    a = by_term["a=off"]
    assert a.verdict is Verdict.HELPS
    assert a.notes[0] == "holds −0.5 of a × b, which the remaining arms can't distinguish from it"
    assert (a.arm_mean or 0) - (a.baseline_mean or 0) == pytest.approx(a.mean)
    unbalanced, lost = unestimable(ablation, arms)
    assert "not balanced: effects are estimated by least squares from 12 arms" in unbalanced
    assert lost == "The remaining arms can't distinguish a=off × b=off from other effects."


def test_missing_cells_leave_the_effects_that_can_be_shown_true() -> None:
    ablation = Ablation.model_validate(
        {"factors": FACTORS, "design": "factorial", "exclude": [{"a": 2, "c": False}, {"a": 0, "b": "y"}]}
    )
    arms = make_arms(ablation, {"a": 1, "b": "x", "c": True})
    assert len(arms) == 8
    planted = measured_by(arms, lambda at: 3 * (at["a"] == 0) + 5 * (at["a"] == 2) + 7 * (at["b"] == "y"))
    found = {effect.name: effect for effect in contrast_effects(Factorial().contrasts(FACTORS, arms), planted, SPEC)}
    wanted = {"a=0": 3, "a=2": 5, "b=y": 7, "c=false": 0, "a=2 × b=y": 0, "a=0 × c=false": 0, "b=y × c=false": 0}
    assert {name: effect.mean for name, effect in found.items()} == pytest.approx(wanted, abs=0.03)
    assert found["a=2"].notes[0].startswith("averaged over 2 of 4 combinations of the other factors")
    assert found["b=y × c=false"].notes[0].startswith("averaged over 1 of 3 combinations")
    assert unestimable(ablation, arms) == [
        "No remaining arms could show a=0 × b=y, a=2 × c=false: the study excludes some of them."
    ]


def test_components_are_factors_like_any_other() -> None:
    """Arms of components differ in other settings than the factor's name."""
    ablation = Ablation.model_validate(
        {
            "factors": ["mixing", "decay"],
            "components": {
                "mixing": {"on": {"perturbation": "mp"}, "off": {"perturbation": "sta"}},
                "decay": {"off": {"weight_decay": 0}, "on": {"weight_decay": 5e-4}},
            },
            "design": "factorial",
        }
    )
    arms = make_arms(ablation, {})
    planted = measured_by(arms, lambda at: 2 * (at["mixing"] == "off") - 1 * (at["decay"] == "off"))
    found = contrast_effects(Factorial().contrasts(ablation.factors, arms), planted, SPEC)
    assert {effect.name: effect.mean for effect in found} == pytest.approx(
        {"mixing=off": 2, "decay=off": -1, "mixing=off × decay=off": 0}, abs=0.03
    )
