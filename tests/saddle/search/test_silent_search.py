"""What Optuna warns of is said once, in our words: nothing of it reaches the terminal."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import optuna
import pytest

from saddle.search.optuna_search import OptunaSearch
from saddle.search.sampler_notes import notes
from saddle.search.storage import open_journal
from saddle.studyfile.loader import parse_studies
from saddle.trial.run_id import RunId
from tests.support.records import make_record

METRIC, OTHER = "validation/robust_accuracy.worst_case", "validation/clean_accuracy"
STUDY = """\
study: silent
trainable: adversarial_training
fixed: {{dataset: digits, tasks: [odd_even]}}
search:
  lr: {{float: [0.1, 0.35], step: 0.1}}
  steps: {{int: [1, 8], step: 3}}
  epsilon: {{float: [1e-3, 1e-1], log: true}}
{choices}objective: {objective}
constraints: [validation/clean_accuracy >= 0.5]
sampler: {sampler}
early_stopping: {stopping}
budget: {{trials: 14}}
"""
CHOICES = """\
  analyses: {choice: [[misled_heads], []]}
  perturbation: {choice: [sta, mp]}
  momentum: {float: [0.1, 0.9], when: {perturbation: mp}}
"""


def search(store: Path, sampler: str, stopping: str, choices: str, *, two: bool = False) -> None:
    objective = f"[{{maximize: {METRIC}}}, {{maximize: {OTHER}}}]" if two else f"{{maximize: {METRIC}}}"
    text = STUDY.format(choices=choices, objective=objective, sampler=sampler, stopping=stopping)
    [study] = parse_studies(text, "silent.yaml")
    source = OptunaSearch(study, RunId("s"), open_journal(store / "journal"), {})
    for number in range(6):
        proposal = source.next()
        assert proposal is not None
        metrics = {METRIC: number / 10, OTHER: (number % 7) / 10}
        for epoch in (1, 2, 2) if not two else ():  # once more, as a resumed trial tells it
            source.report(proposal.key, epoch, metrics)
        source.finish(
            make_record(
                key=proposal.key, study="silent", seed=0, params={},
                outcome="collapsed" if number == 2 else "completed",
                settings=dict(proposal.settings), metrics=metrics, number=proposal.number, curve=[metrics] * 3,
            )
        )  # fmt: skip


@pytest.mark.parametrize(
    ("sampler", "stopping", "choices", "two"),
    [
        ("{tpe: {startup_trials: 2, multivariate: true}}", "hyperband", CHOICES, False),
        ("{gp: {startup_trials: 2}}", "asha", CHOICES, False),
        ("cmaes", "median", "", False),
        ("{nsga2: {population_size: 4}}", "none", CHOICES, True),
        ("qmc", "asha", "", False),
        ("{grid: {points: 2}}", "none", "", False),
    ],
)
def test_nothing_of_optunas_reaches_the_terminal(
    tmp_path: Path, sampler: str, stopping: str, choices: str, two: bool, caplog: pytest.LogCaptureFixture
) -> None:
    optuna.logging.enable_propagation()
    try:
        with warnings.catch_warnings(record=True) as heard, caplog.at_level(logging.WARNING):
            warnings.simplefilter("always")
            search(tmp_path, sampler, stopping, choices, two=two)
    finally:
        optuna.logging.disable_propagation()
    assert [str(warning.message) for warning in heard] == []
    assert caplog.messages == []


def test_what_is_drawn_at_random_is_said() -> None:
    [note, *_] = notes("gp", False, ["momentum"])
    assert note.startswith(
        "the gp sampler draws parameters with a condition at random and does not learn from them: momentum"
    )
    assert not any("condition" in note for note in notes("tpe", False, ["momentum"]))
