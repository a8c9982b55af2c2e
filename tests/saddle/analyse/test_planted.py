"""Whole answers over invented ledgers: planted effects of known size come out, planted nulls are not claimed."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from saddle.analyse.answer import answer_ablation
from saddle.design import make_arms, replicates
from saddle.study.models import Study
from saddle.trial.record import TrialRecord
from tests.support.declared import declare
from tests.support.records import make_record

METRIC = "test/robust_accuracy.worst_case"
DIRECTIONS = declare({METRIC: "maximize"})
NOISE = 0.01
"""Of a replicate; seeds shift all arms alike by twice as much, which pairing must remove."""
PLANTED = {"a": 0.05, "b": -0.04, "c": 0.0, "d": 0.0, "e": 0.0}
STUDIES = 60


def study(race: bool, equivalence: float | None) -> Study:
    return Study.model_validate(
        {
            "study": "planted",
            "trainable": "t",
            "ablation": {
                "baseline": dict.fromkeys(PLANTED, True),
                "design": "leave_one_out",
                "factors": {name: [True, False] for name in PLANTED},
                "seeds": 8,
                "race": race,
                "compare": {"metric": METRIC, "equivalence": equivalence},
            },
        }
    )


def ledger(asked: Study, generator: np.random.Generator) -> list[TrialRecord]:
    ablation = asked.ablation
    assert ablation is not None
    shifts = 2 * NOISE * generator.standard_normal(8)
    entries = []
    for one in replicates(make_arms(ablation, ablation.baseline), ablation.seed_list):
        effect = PLANTED[one.arm.factor] if one.arm.factor is not None else 0.0
        value = 0.5 + effect + shifts[one.seed] + NOISE * generator.standard_normal()
        entries.append(
            make_record(one.key, "planted", one.seed, "completed", {}, dict(one.arm.settings), {METRIC: float(value)},
                  arm=one.arm.name)
        )  # fmt: skip
    return entries


@pytest.mark.parametrize("race", [pytest.param(False, marks=pytest.mark.slow), True])
def test_planted_effects_are_recovered_and_nulls_are_not_claimed(race: bool) -> None:
    generator = np.random.default_rng(2026)
    asked = study(race, None)
    verdicts: dict[str, Counter[str]] = {name: Counter() for name in PLANTED}
    means: dict[str, list[float]] = {name: [] for name in PLANTED}
    wrong = missed = 0
    for _ in range(STUDIES):
        effects = answer_ablation(asked, ledger(asked, generator), DIRECTIONS).effects
        for name, effect in zip(PLANTED, effects, strict=True):
            assert effect.mean is not None
            assert effect.low is not None
            assert effect.high is not None
            verdicts[name][str(effect.verdict)] += 1
            means[name].append(effect.mean)
            missed += not effect.low <= PLANTED[name] <= effect.high
        wrong += any(effect.verdict in ("helps", "hurts") for effect in effects[2:])
    assert verdicts["a"]["helps"] >= 0.95 * STUDIES
    assert verdicts["b"]["hurts"] >= 0.9 * STUDIES
    assert verdicts["a"]["hurts"] == verdicts["b"]["helps"] == 0
    assert wrong <= 0.05 * STUDIES + 3 * (STUDIES * 0.05 * 0.95) ** 0.5
    assert missed <= 0.05 * len(PLANTED) * STUDIES
    for name in ("c", "d", "e"):
        assert np.mean(means[name]) == pytest.approx(0.0, abs=4 * NOISE * (2 / 8 / STUDIES) ** 0.5)
    if not race:  # a race stops on what looks large, so the effects it stopped at look larger
        assert np.mean(means["a"]) == pytest.approx(0.05, abs=4 * NOISE * (2 / 8 / STUDIES) ** 0.5)


def test_planted_nulls_are_called_equivalent_where_a_margin_is_declared() -> None:
    generator = np.random.default_rng(7)
    asked = study(True, 0.03)
    verdicts: Counter[str] = Counter()
    for _ in range(25):
        effects = answer_ablation(asked, ledger(asked, generator), DIRECTIONS).effects
        verdicts.update(str(effect.verdict) for effect in effects[2:])
    assert verdicts["equivalent"] > 0.8 * 75
    assert verdicts["helps"] + verdicts["hurts"] <= 2
