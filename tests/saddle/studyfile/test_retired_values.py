"""A value that was retired: stored studies with it open and are reported, new ones are told what to use."""

from __future__ import annotations

from pathlib import Path

import pytest

from saddle.archive.studies import read_study
from saddle.errors import StudyError
from saddle.notebook.study import load_study
from saddle.report.write import page_of
from saddle.store.local import LocalStore
from saddle.studyfile.loader import load_studies, parse_studies
from tests.support.stored import store_ablation

OLD = """\
study: old-controls
question: Is any other direction as good?
trainable: adversarial_training
scale: quick
fixed: {dataset: digits, tasks: [odd_even], attacks: [pgd]}
ablation:
  baseline: {perturbation: mp}
  design: one_factor
  factors: {perturbation: [mp, sta_random_direction]}
  seeds: 3
  compare: {metric: test/robust_accuracy.worst_case}
"""
INSTEAD = "'sta_random_direction' is not accepted; .* use sta_random_direction_l2 or sta_random_direction_l1"


def test_a_stored_study_of_the_old_control_is_read_and_reported(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "runs")
    study = store_ablation(store, OLD, lambda one: {"test/robust_accuracy.worst_case": 0.5 + 0.01 * one.seed})
    stored = read_study(store, "old-controls")
    assert stored is not None
    assert stored.study == study
    loaded = load_study("old-controls", tmp_path / "runs")
    assert len(loaded.trials) == 6
    assert [effect.arm for effect in loaded.answer.effects] == ["sta_random_direction"]
    page = page_of(store, loaded.results)
    assert "sta_random_direction" in page


@pytest.mark.parametrize(
    "text",
    [
        OLD,
        OLD.replace("attacks: [pgd]", "attacks: [pgd], perturbation: sta_random_direction").partition("ablation:")[0]
        + "ablation: {baseline: {}, design: one_factor, factors: {lr: [0.1, 0.2]}, seeds: 2}\n",
        OLD.partition("ablation:")[0]
        + "search: {perturbation: {choice: [mp, sta_random_direction]}}\nbudget: {trials: 20}\n"
        + "objective: {maximize: validation/robust_accuracy.worst_case}\n",
    ],
)
def test_a_new_study_is_refused_with_the_two_new_names(text: str, tmp_path: Path) -> None:
    file = tmp_path / "old.yaml"
    file.write_text(text)
    with pytest.raises(StudyError, match=INSTEAD):
        load_studies(file)
    assert parse_studies(text, "stored.yaml", stored=True)
