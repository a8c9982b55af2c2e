"""What `saddle plan` notes of a search that can't do what its file seems to ask for."""

from __future__ import annotations

from pathlib import Path

import pytest

from saddle.execute.plan.study_plan import Plan, plan_study
from saddle.store.local import LocalStore
from saddle.studyfile.loader import parse_studies

PARABOLA = """\
study: mine
trainable: parabola
fixed: {epochs: 4}
search: {x: {float: [0, 1]}}
objective: {maximize: validation/score}
sampler: random
budget: {trials: 5}
"""


def planned(path: Path, text: str) -> Plan:
    [study] = parse_studies(text, "mine.yaml")
    return plan_study(study, LocalStore(path))


def changed(old: str, new: str, text: str = PARABOLA) -> str:
    assert old in text
    return text.replace(old, new)


def test_a_search_without_repeats_is_told_nothing_of_them(tmp_path: Path) -> None:
    plan = planned(tmp_path, PARABOLA)
    assert plan.trials == 5
    assert not any("repeat" in note or "early stopping" in note for note in plan.notes)


def test_repeats_are_counted_and_not_planned(tmp_path: Path) -> None:
    plan = planned(tmp_path, changed("{float: [0, 1]}", "{choice: [0.1, 0.5, 0.9]}"))
    assert plan.trials == 3
    [note] = [note for note in plan.notes if "repeat" in note]
    assert note.startswith("2 of the 5 trials of the budget would repeat the settings of others and are not run")
    assert note.endswith("there are 3 different settings")


def test_points_of_a_grid_that_differ_only_where_a_condition_leaves_a_parameter_out_are_one(tmp_path: Path) -> None:
    space = "{mode: {choice: [plain, curved]}, bend: {float: [0, 1], when: {mode: curved}}}"
    text = changed("{x: {float: [0, 1]}}", space)
    plan = planned(tmp_path, changed("sampler: random\nbudget: {trials: 5}\n", "sampler: {grid: {points: 4}}\n", text))
    assert plan.trials == 1 + 4
    assert any(note.startswith("3 of the 8 points of the grid would repeat") for note in plan.notes)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("asha: {grace_epochs: 3}", ""),
        ("asha: {grace_epochs: 4}", "its grace period of 4 epochs is as long as the training (4)"),
        ("hyperband: {grace_epochs: 9}", "its grace period of 9 epochs is longer than the training (4)"),
        ("median: {grace_epochs: 1, startup_trials: 5}", "it waits for 5 that have ended, and there are 5 in all"),
        ("median: {grace_epochs: 1, startup_trials: 2}", ""),
    ],
)
def test_early_stopping_that_can_stop_nothing_is_noted(tmp_path: Path, rule: str, said: str) -> None:
    plan = planned(tmp_path, f"{PARABOLA}early_stopping: {{{rule}}}\n")
    notes = [note for note in plan.notes if "early stopping can stop no trial" in note]
    assert notes == ([f"early stopping can stop no trial: {said}"] if said else [])


def test_where_epochs_are_searched_the_longest_training_counts(tmp_path: Path) -> None:
    text = changed("fixed: {epochs: 4}\n", "")
    text = changed("{x: {float: [0, 1]}}", "{epochs: {int: [1, 6]}, x: {float: [0, 1]}}", text)
    notes = planned(tmp_path, f"{text}early_stopping: {{asha: {{grace_epochs: 5}}}}\n").notes
    assert not any("early stopping" in note for note in notes)
    notes = planned(tmp_path, f"{text}early_stopping: {{asha: {{grace_epochs: 6}}}}\n").notes
    assert any("early stopping can stop no trial" in note for note in notes)
