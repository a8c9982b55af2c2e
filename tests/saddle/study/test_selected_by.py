"""An ablation may say which validation metric chooses its checkpoints."""

from __future__ import annotations

import pytest

from saddle.errors import StudyError
from saddle.study.changes import Change, rule_of
from saddle.study.selection import selection_of
from saddle.study.trainable.loading import load_trainable
from saddle.studyfile.loader import parse_studies

TEXT = """
study: s
trainable: adversarial_training
ablation:
  factors: {{perturbation: [sta, none]}}
{more}
"""


def test_it_replaces_the_trainables_own() -> None:
    trainable = load_trainable("adversarial_training")
    [own] = parse_studies(TEXT.format(more=""), "s.yaml")
    [named] = parse_studies(TEXT.format(more="  selected_by: validation/balanced_accuracy"), "s.yaml")
    assert selection_of(own, trainable).name == "validation/robust_accuracy.worst_case"
    assert selection_of(named, trainable).name == "validation/balanced_accuracy"
    assert selection_of(named, trainable).direction == "maximize"


@pytest.mark.parametrize(
    ("metric", "complaint"),
    [
        ("test/clean_accuracy", "test data are for the verdict, never for choosing"),
        ("train/loss", "never for choosing"),
        ("validation/clean_acuracy", "unknown metric 'validation/clean_acuracy'"),
    ],
)
def test_it_is_a_validation_metric(metric: str, complaint: str) -> None:
    with pytest.raises(StudyError, match=complaint):
        parse_studies(TEXT.format(more=f"  selected_by: {metric}"), "s.yaml")


def test_stored_trials_keep_what_chose_them() -> None:
    assert rule_of("ablation.selected_by") is Change.NEVER


SEARCH = """
study: s
trainable: adversarial_training
search: {{lr: {{float: [1e-4, 1e-2]}}}}
sampler: random
budget: {{trials: 4}}
objective: {objective}
{more}
"""
TWO = "[{maximize: validation/clean_accuracy}, {maximize: validation/robust_accuracy.worst_case}]"
ONE = "{maximize: validation/robust_accuracy.worst_case}"
BALANCED = "selected_by: validation/balanced_accuracy"


def test_a_search_with_several_objectives_may_name_one_too() -> None:
    trainable = load_trainable("adversarial_training")
    [own] = parse_studies(SEARCH.format(objective=TWO, more=""), "s.yaml")
    [named] = parse_studies(SEARCH.format(objective=TWO, more=BALANCED), "s.yaml")
    assert selection_of(own, trainable).name == "validation/robust_accuracy.worst_case"
    assert selection_of(named, trainable).name == "validation/balanced_accuracy"
    assert rule_of("selected_by") is Change.NEVER


def test_the_only_objective_of_a_search_chooses_its_checkpoints() -> None:
    with pytest.raises(StudyError, match="the objective of a search chooses its checkpoints"):
        parse_studies(SEARCH.format(objective=ONE, more=BALANCED), "s.yaml")
    with pytest.raises(StudyError, match="test data are for the verdict"):
        parse_studies(SEARCH.format(objective=TWO, more="selected_by: test/clean_accuracy"), "s.yaml")
    with pytest.raises(StudyError, match="selected_by"):
        parse_studies(TEXT.format(more=BALANCED), "s.yaml")
