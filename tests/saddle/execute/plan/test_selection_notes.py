"""Before anything is trained, a plan says which arms may be tested before they have learnt."""

from __future__ import annotations

from pathlib import Path

import pytest

from saddle.execute.plan.preflight import resolutions
from saddle.execute.plan.selection_notes import selection_notes
from saddle.execute.plan.study_plan import plan_study
from saddle.store.open import open_store
from saddle.study.trainable.loading import load_trainable
from saddle.studyfile.loader import load_studies, parse_studies

PACKAGED = Path(__file__).parents[4] / "search_spaces"
ABLATION = """
study: s
trainable: adversarial_training
fixed: {dataset: digits}
ablation:
  factors: {perturbation: [sta, none]}
"""
SEARCH = """
study: s
trainable: adversarial_training
fixed: {dataset: digits}
search: {epsilon: {float: [0.0, 0.1]}}
sampler: random
budget: {trials: 4}
"""
TWO = "objective: [{maximize: validation/clean_accuracy}, {maximize: validation/robust_accuracy.worst_case}]\n"


def doubts(text: str, folder: Path) -> list[str]:
    [study] = parse_studies(text, "s.yaml")
    return [note for note in plan_study(study, open_store(str(folder))).notes if note.startswith("checkpoints are")]


def test_the_arm_is_named_with_the_metric_and_what_mends_it(tmp_path: Path) -> None:
    [said] = doubts(ABLATION, tmp_path)
    assert said.startswith(
        "checkpoints are chosen by validation/robust_accuracy.worst_case, and none is trained without attacks and"
    )
    assert said.endswith("selected_by chooses all of them by another validation metric")


@pytest.mark.parametrize(
    "mended",
    [
        ABLATION + "  selected_by: validation/balanced_accuracy\n",
        ABLATION.replace("digits}", "digits, validation_epsilon: training}"),
        ABLATION.replace("none]", "mp]").replace("digits}", "digits, tasks: [odd_even]}"),
    ],
)
def test_nothing_is_said_where_nothing_is_to_be_feared(mended: str, tmp_path: Path) -> None:
    assert not doubts(mended, tmp_path)


def test_the_arm_is_the_right_one_where_each_is_trained_in_several_blocks(tmp_path: Path) -> None:
    blocks = "  blocks: {split_seed: [0, 1, 2]}\n"
    [said] = doubts(ABLATION.replace("[sta, none]", "[sta, none, fgsm_rs]") + blocks, tmp_path)
    assert ", and none is trained without attacks" in said


def test_of_a_search_with_several_objectives_the_ends_of_ranges_are_looked_at(tmp_path: Path) -> None:
    [said] = doubts(SEARCH + TWO, tmp_path)
    assert "and some trials are trained without attacks" in said
    assert not doubts(SEARCH + TWO + "selected_by: validation/balanced_accuracy\n", tmp_path)
    assert not doubts(SEARCH + "objective: {maximize: validation/robust_accuracy.worst_case}\n", tmp_path)


@pytest.mark.parametrize("file", sorted(PACKAGED.rglob("*.yaml")), ids=lambda file: file.stem)
def test_no_packaged_study_tests_what_has_not_learnt(file: Path) -> None:
    for study in load_studies(str(file), ()):
        trainable = load_trainable(study.source)
        looked_at = list(resolutions(study)) if trainable.name == "adversarial_training" else []
        assert selection_notes(study, trainable, [""] * len(looked_at), looked_at) == []
