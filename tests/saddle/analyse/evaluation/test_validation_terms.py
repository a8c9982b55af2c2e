"""Where validation measured with other terms than the test on purpose, nothing ranks trials by it as if it had not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from saddle.analyse.best import best_trial
from saddle.analyse.evaluation.validation_terms import validation_cautions, validation_terms
from saddle.archive.retention import ranked
from saddle.report.blocks import Table, Text
from saddle.report.figures.curves import arm_curves
from saddle.report.study_sections.evaluation import ranking
from saddle.study.models import Study
from saddle.trial.record import TrialRecord
from tests.support.declared import declare
from tests.support.records import changed, make_record
from tests.support.results import results_of
from trainables.contract import complete_metric

ROBUST, CLEAN = "robust_accuracy.worst_case", "clean_accuracy"
VALIDATION, TEST = f"validation/{ROBUST}", f"test/{ROBUST}"
DECLARED = replace(
    declare(dict.fromkeys((VALIDATION, TEST, "validation/balanced_accuracy"), "maximize"), VALIDATION),
    evaluation_fields=("attacks", "attack_epsilon"),
)
DOSES = (0.0, 0.075, 0.15)


def study_of(**ablation: Any) -> Study:
    given = {"baseline": {"epsilon": 0.0}, "factors": {"epsilon": list(DOSES)}, "seeds": 3,
             "compare": {"metric": TEST}, **ablation}  # fmt: skip
    return Study.model_validate({"study": "s", "trainable": "t", "ablation": given})


def trials(validated: Sequence[float | None], study: Study | None = None) -> list[TrialRecord]:
    """Three seeds of each dose, tested at 0.15; `validated` is what validation reports of each dose's ε."""
    arms = results_of(study or study_of(), DECLARED, []).arms
    return [
        make_record(
            f"{arm.key}-s{seed}", "s", seed, "completed", {"attack_epsilon": 0.15, "epsilon": dose}, arm.settings,
            {VALIDATION: 0.9 - dose + seed / 50, TEST: 0.3 + dose + seed / 70,
             **({} if own is None else {"validation/attack_epsilon": own})},
            arm=arm.name, started=float(seed), ended=seed + 1.0, epochs=1, selected_epoch=1,
            curve=[{VALIDATION: 0.9 - dose + seed / 50}],
        )
        for arm, dose, own in zip(arms, DOSES, validated, strict=True)
        for seed in range(3)
    ]  # fmt: skip


def shown(records: list[TrialRecord], study: Study | None = None) -> tuple[str, Any]:
    return ranking(results_of(study or study_of(), DECLARED, records), records, VALIDATION, DECLARED.metric(TEST))


OWN = (0.0, 0.075, None)
"""The last dose is that of the test, and its validation has nothing of its own to report."""


def test_what_validation_measured_is_said_and_no_ranking_is_drawn() -> None:
    title, block = shown(trials(OWN))
    assert title == "What validation measured"
    assert isinstance(block, Text)
    said = str(block.parts[0])
    assert "attack_epsilon 0, 0.075 and 0.15 in validation and 0.15 in the test" in said
    assert "no table ranks trials by it" in said
    assert "chosen by validation robust accuracy (worst case)" in said


def test_validation_under_the_tests_own_terms_is_ranked() -> None:
    title, block = shown(trials((None, None, None)))
    assert title == "Does validation rank trials as the test does?"
    assert isinstance(block, Table)
    assert "early stopping are decided by validation." in block.note


def test_the_note_says_what_chose_checkpoints_in_its_place() -> None:
    study = study_of(selected_by="validation/balanced_accuracy")
    _, block = shown(trials((None, None, None), study), study)
    chosen = "Checkpoints were chosen by validation balanced accuracy; the metric that ranks trials here chose none."
    assert chosen in block.note
    assert "are decided by validation." not in block.note


def test_one_other_value_for_all_trials_ranks_them_and_is_said() -> None:
    _, block = shown(trials((0.05, 0.05, 0.05)))
    assert "Deliberately different: attack_epsilon 0.05 in validation and 0.15 in the test." in block.note


def test_a_caution_says_it_and_a_verdict_by_such_values_is_warned_of() -> None:
    fields = DECLARED.evaluation_fields
    assert not [*validation_cautions(trials((None, None, None)), fields)]
    [caution] = validation_cautions(trials(OWN), fields, [complete_metric(TEST)])
    assert "can't be compared between trials" in caution
    _, wrong = validation_cautions(trials(OWN), fields, [complete_metric(VALIDATION)])
    assert wrong.startswith(f"{VALIDATION} is such a value")
    answer = results_of(study_of(compare={"metric": VALIDATION}), DECLARED, trials(OWN)).answer
    assert {caution, wrong} <= set(answer.warnings)


def test_only_completed_trials_say_what_validation_measured() -> None:
    lost = [replace(record, outcome="failed") for record in trials(OWN)]
    assert not validation_terms(lost, DECLARED.evaluation_fields)


def test_the_best_trial_is_one_that_validation_can_rank() -> None:
    apart, alike = trials(OWN), trials((None, None, None))
    undefended = best_trial(study_of(), DECLARED, alike)
    assert undefended is not None
    assert undefended.params["epsilon"] == 0.0, "the largest value of validation, where all values compare"
    best = best_trial(study_of(), DECLARED, apart)
    assert best is not None
    assert best.params["epsilon"] == 0.15, "the only dose that was validated as it is tested"


@pytest.mark.parametrize(("validated", "said"), [(OWN, True), ((None, None, None), False)])
def test_curves_that_do_not_compare_say_so(validated: Sequence[float | None], said: bool) -> None:
    results = results_of(study_of(), DECLARED, trials(validated))
    figure = arm_curves(results.groups, DECLARED.metric(VALIDATION), DECLARED)
    assert ("different curves can't be compared" in figure.caption) is said


def test_trials_that_were_measured_again_have_the_tests_new_terms_and_their_own_validation() -> None:
    again = [changed(record, evaluation={"attack_epsilon": 0.3}, measured=9.0) for record in trials(OWN)]
    [term] = validation_terms(again, DECLARED.evaluation_fields)
    assert (term.validated, term.tested) == ([0.0, 0.075, 0.15], [0.3])


def test_retention_keeps_what_validation_can_rank_before_what_it_cannot() -> None:
    order = ranked(study_of(), DECLARED, trials(OWN))
    assert [record.params["epsilon"] for record in order] == [0.15] * 3 + [0.0, 0.075] * 3, "then as they ran"
    assert [record.seed for record in order[:3]] == [2, 1, 0]
    alike = ranked(study_of(), DECLARED, trials((None, None, None)))
    assert [record.params["epsilon"] for record in alike[:3]] == [0.0] * 3
