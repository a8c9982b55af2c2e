"""Factorial contrasts are paired on seeds, balanced over other factors, and need every arm they use."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from saddle.analyse.effect import Effect
from saddle.analyse.effects import Rule
from saddle.analyse.factorial import factorial_effects
from saddle.analyse.pairs import Measured
from saddle.analyse.verdict import Verdict
from saddle.design import make_arms
from saddle.study.models import Ablation

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
        measured.append(Measured(arm.name, values, {} if gone is None else {gone: "collapsed"}))
    found = factorial_effects(FACTORS, ARMS, measured, Rule("m", "maximize"))
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
