"""Early stopping on the robust worst case of the validation."""

from __future__ import annotations

from typing import Any

import pytest

from trainables import adversarial_training
from trainables.adversarial_training.training.early_stopping import WATCHED, EarlyStopping
from trainables.contract import InProcessRun, resolve

SMALL = {"steps": 1, "width": 1, "attack_steps": 2, "attacks": "pgd", "train_size": 100, "lr": 1e-5, "epochs": 30}
"""A rate at which hardly anything changes, so that patience runs out."""


def config(**given: Any) -> Any:
    return resolve(adversarial_training, {**SMALL, **given}).config


@pytest.mark.parametrize(
    ("patience", "values", "epochs"),
    [
        (1, [0.1, 0.2, 0.2, 0.5], 3),  # what is equal is no better
        (2, [0.1, 0.2, 0.2, 0.5, 0.4, 0.3, 0.6], 6),
        (3, [0.5, 0.4, 0.3], None),
        (None, [0.5] * 20, None),
    ],
)
def test_it_ends_after_so_many_validations_without_a_better_one(
    patience: int | None, values: list[float], epochs: int | None
) -> None:
    stopping = EarlyStopping(config(patience=patience))
    ended = None
    for epoch, value in enumerate(values, start=1):
        stopping.watch({WATCHED: value})
        stopping = EarlyStopping(config(patience=patience), stopping.state())  # as if it were resumed each time
        if stopping.is_over and patience is not None:
            ended = epoch
            break
    assert ended == epochs


def test_a_training_ends_early_and_stays_ended() -> None:
    reports = list(adversarial_training.train(config(patience=2), InProcessRun()))
    assert 3 <= len(reports) < 30
    values = [report.metrics[WATCHED] for report in reports]
    assert max(values[-2:]) <= max(values[:-2])
    ended = InProcessRun(state=reports[-1].state)
    assert list(adversarial_training.train(config(patience=2), ended)) == []
    [*rest] = adversarial_training.train(config(patience=2), InProcessRun(state=reports[0].state))
    assert [report.metrics for report in rest] == [report.metrics for report in reports[1:]]


def test_epochs_between_validations_are_not_counted() -> None:
    every = len(list(adversarial_training.train(config(patience=2), InProcessRun())))
    rarely = len(list(adversarial_training.train(config(patience=2, validate_every=3), InProcessRun())))
    assert rarely > every
    assert rarely % 3 == 0
