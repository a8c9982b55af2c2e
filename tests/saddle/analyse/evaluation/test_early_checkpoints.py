"""A checkpoint that robust accuracy chose before its network had learnt is pointed out, and no other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from saddle.analyse.answer_study import answer_study
from saddle.analyse.evaluation.early_checkpoints import early_cautions, early_checkpoints
from saddle.study.models import Study
from saddle.trial.record import TrialRecord
from tests.support.declared import declare
from tests.support.records import make_record
from tests.support.results import results_of

ROBUST, CLEAN, BALANCED = (f"validation/{name}" for name in (
    "robust_accuracy.worst_case", "clean_accuracy", "balanced_accuracy"))  # fmt: skip
TEST = "test/clean_accuracy"
DECLARED = declare(
    dict.fromkeys((ROBUST, CLEAN, BALANCED, TEST, "test/robust_accuracy.worst_case"), "maximize"), ROBUST
)
FALLING = [(0.25, 0.5), (0.2, 0.7), *[(0.1, 0.9)] * 10]
"""Robust and clean accuracy of standard training: it is least fooled while it knows nothing."""
GROWING = [(0.1 + 0.03 * epoch, 0.5 + 0.03 * epoch) for epoch in range(12)]


def trained(curve: Sequence[tuple[float, float]], selected: int, seed: int = 0, **more: Any) -> TrialRecord:
    points = [{ROBUST: robust, CLEAN: clean} for robust, clean in curve]
    metrics = {**points[selected - 1], TEST: points[selected - 1][CLEAN]}
    given = {"key": f"k{seed}", "outcome": "completed", "settings": {}, **more}
    return make_record(
        study="s", seed=seed, params={}, metrics=metrics, epochs=len(points), selected_epoch=selected,
        curve=points, fingerprints={"classes": 10}, started=float(seed), ended=seed + 1.0, **given,
    )  # fmt: skip


def test_an_untrained_checkpoint_is_said_with_its_numbers() -> None:
    records = [trained(FALLING, 1, seed) for seed in range(3)]
    [said] = early_cautions({"none": records}, DECLARED.metric(ROBUST), DECLARED, 0.1)
    assert said.startswith("Checkpoints of none come before their networks have learnt: 3 of 3 are of epoch 1, where")
    assert "validation clean accuracy is 50.0 %, and 90.0 % after the last epoch" in said
    assert "(25.0 %), which falls while it learns" in said
    lower = [trained([(0.15, 0.5), *FALLING[1:]], 1)]
    [at_floor] = early_cautions({"none": lower}, DECLARED.metric(ROBUST), DECLARED, 0.1)
    assert "(15.0 %), which is at its floor there" in at_floor


def test_what_was_chosen_later_or_lost_nothing_by_it_or_was_chosen_otherwise_is_fine() -> None:
    robust = DECLARED.metric(ROBUST)
    assert early_checkpoints([trained(GROWING, 12)], robust, 0.1) is None
    assert early_checkpoints([trained(FALLING, 2)], robust, 0.05) is None, "of 12 epochs only the first is early"
    overfitting = [trained([*GROWING[:6], *((0.2, 0.9) for _ in range(6))], 6)]
    assert early_checkpoints(overfitting, robust, 0.1) is None, "robust overfitting is what choosing is there for"
    assert early_checkpoints([trained([(0.3, 0.9)] * 12, 1)], robust, 0.1) is None, "as accurate as at its end"
    assert early_checkpoints([trained(FALLING, 1)], DECLARED.metric(BALANCED), 0.1) is None
    assert early_checkpoints([trained(FALLING[:4], 1)], robust, 0.1) is None, "four epochs have no beginning"
    assert early_checkpoints([trained(FALLING, 1, outcome="pruned")], robust, 0.1) is None
    mostly = [trained(FALLING, 1), *(trained(GROWING, 12, seed) for seed in (1, 2))]
    assert early_checkpoints(mostly, robust, 0.1) is None, "one of three seeds"


def test_the_answer_of_an_ablation_warns_of_the_arm() -> None:
    ablation = {"baseline": {"p": "none"}, "factors": {"p": ["none", "sta"]}, "seeds": 3, "compare": {"metric": TEST}}
    study = Study.model_validate({"study": "s", "trainable": "t", "ablation": ablation})
    arms = results_of(study, DECLARED, []).arms
    records = [
        trained(curve, selected, seed, arm=arm.name, settings=arm.settings, key=f"{arm.key}-s{seed}")
        for arm, curve, selected in zip(arms, (FALLING, GROWING), (1, 12), strict=True)
        for seed in range(3)
    ]
    said = [warning for warning in results_of(study, DECLARED, records).answer.warnings if "have learnt" in warning]
    assert [one.split()[2] for one in said] == ["none"]
    by_balanced = study.model_copy(
        update={"ablation": study.ablation and study.ablation.model_copy(update={"selected_by": BALANCED})}
    )
    warnings = results_of(by_balanced, DECLARED, records).answer.warnings
    assert not any("have learnt" in warning for warning in warnings)


def test_the_answer_of_a_search_names_the_trials() -> None:
    study = Study.model_validate(
        {"study": "s", "trainable": "t", "search": {"epsilon": {"float": [0.0, 0.1]}}, "budget": {"trials": 3},
         "objective": [{"maximize": CLEAN}, {"maximize": ROBUST}]}
    )  # fmt: skip
    curves = ((FALLING, 1), (GROWING, 12), (FALLING, 1))
    records = [trained(*one, number, number=number) for number, one in enumerate(curves)]
    [said] = [one for one in answer_study(study, DECLARED, records, []).warnings if "have learnt" in one]
    assert said.startswith("Checkpoints of trial 0 and trial 2 come before")


def test_at_its_floor_a_metric_chooses_any_epoch() -> None:
    low = [(0.12, 0.5), (0.11, 0.6), (0.15, 0.7), *[(0.1, 0.9)] * 9]
    found = early_checkpoints([trained(low, 3), trained(low, 1, 1), trained(low, 12, 2)], DECLARED.metric(ROBUST), 0.1)
    assert found is not None
    assert (found.epochs, found.completed, found.at_floor) == ([1, 3], 3, True)
    [said] = early_cautions({"none": [trained(low, 3)]}, DECLARED.metric(ROBUST), DECLARED, 0.1)
    assert "1 of 1 are of epoch 3" in said
    assert early_checkpoints([trained(low, 3)], DECLARED.metric(ROBUST), None) is None, "no floor is known"
