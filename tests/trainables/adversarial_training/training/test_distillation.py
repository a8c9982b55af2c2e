"""Defensive distillation: a teacher, then a student, in one trial that can be resumed after every epoch."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from trainables import adversarial_training
from trainables.adversarial_training.combinations import student_start
from trainables.adversarial_training.model import build
from trainables.adversarial_training.training.distillation import TEACHER_INIT
from trainables.adversarial_training.training.optimisation import lr_factor
from trainables.adversarial_training.training.phases import phase_of
from trainables.contract import InProcessRun, Report, resolve

SMALL = {
    "distillation": "defensive",
    "perturbation": "none",
    "distillation_temperature": 5.0,
    "epochs": 6,
    "teacher_epochs": 3,
    "width": 2,
    "attack_steps": 2,
    "attacks": "pgd",
    "batch_size": 64,
    "train_size": 600,
}


def config(**given: Any) -> Any:
    return resolve(adversarial_training, {**SMALL, **given}).config


def trained(**given: Any) -> list[Report]:
    return list(adversarial_training.train(config(**given), InProcessRun(seed=3)))


@pytest.fixture(scope="module")
def reports() -> list[Report]:
    return trained()


def weights(report: Report, part: str = "model") -> dict[str, Tensor]:
    assert report.state is not None
    return dict(report.state[part])


def equal(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return all(torch.equal(tensor, second[name]) for name, tensor in first.items())


def test_the_teacher_is_kept_as_it_was_when_the_student_began(reports: list[Report]) -> None:
    teacher = weights(reports[2])
    assert all("teacher" not in report.state for report in reports[:3])  # type: ignore[operator]
    assert all(equal(weights(report, "teacher"), teacher) for report in reports[3:])
    assert not equal(weights(reports[3]), teacher)


def test_no_epoch_of_the_teacher_can_be_the_checkpoint(reports: list[Report]) -> None:
    assert [report.is_candidate for report in reports] == [False] * 3 + [True] * 3


def test_both_learn() -> None:
    clean = [report.metrics["validation/clean_accuracy"] for report in trained(epochs=16, teacher_epochs=8, lr=0.01)]
    assert clean[7] > 0.7
    assert clean[15] > 0.7
    assert clean[8] < clean[7], "the student restarts"


@pytest.mark.parametrize("after", [1, 3, 4])
@pytest.mark.parametrize(
    "given",
    [
        {},
        {"weight_average": 0.9},
        {"optimizer": "sgd", "momentum": 0.9, "lr": 0.1, "schedule": "cosine"},
        {"dropout": 0.2},
    ],
    ids=str,
)
def test_it_is_resumed_in_either_phase_and_between_them(after: int, given: dict[str, Any]) -> None:
    whole = trained(**given)
    run = InProcessRun(seed=3, state=whole[after - 1].state)
    rest = list(adversarial_training.train(config(**given), run))
    assert len(rest) == 6 - after
    for again, report in zip(rest, whole[after:], strict=True):
        assert again.metrics == report.metrics
        assert again.is_candidate == report.is_candidate
        assert equal(weights(again), weights(report))


def test_a_student_is_validated_at_once_and_never_reports_its_teachers_accuracy() -> None:
    reports = trained(validate_every=100, epochs=10, teacher_epochs=8, lr=0.01)
    teacher, student = reports[7].metrics, reports[8].metrics
    assert teacher["validation/clean_accuracy"] == reports[0].metrics["validation/clean_accuracy"], "the latest one"
    assert student["validation/clean_accuracy"] != teacher["validation/clean_accuracy"]


def test_the_student_begins_where_every_trial_of_its_seed_does_and_the_teacher_elsewhere() -> None:
    plain, student = (build(config(), (1, 8, 8), (10,), 3).state_dict() for _ in range(2))
    teacher = build(config(), (1, 8, 8), (10,), 3, TEACHER_INIT).state_dict()
    assert equal(plain, student)
    assert not equal(plain, teacher)


def test_each_phase_has_the_whole_schedule() -> None:
    settings = config(schedule="cosine", epochs=10, teacher_epochs=4)
    factors = {}
    for progress in (0.0, 2.0, 3.99, 4.0, 7.0, 9.99):
        phase = phase_of(settings, int(progress))
        factors[progress] = lr_factor(settings, phase.schedule_progress(settings, progress))
    assert factors[0.0] == factors[4.0] == 1
    assert factors[2.0] == factors[7.0] == pytest.approx(0.5)
    assert max(factors[3.99], factors[9.99]) < 0.01


def test_a_trial_without_a_teacher_has_one_phase() -> None:
    settings = config(distillation="none")
    assert student_start(settings) == 0
    assert phase_of(settings, 4).schedule_progress(settings, 4.25) == 4.25
    assert student_start(config(teacher_epochs=None, epochs=7)) == 3


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"epochs": 1, "teacher_epochs": None}, "trains a teacher for 0 and a student for 1 of 1 epochs"),
        ({"teacher_epochs": 6}, "teacher for 6 and a student for 0 of 6 epochs"),
        ({"objective": "trades", "perturbation": "kl"}, "leave objective at cross_entropy"),
        ({"label_smoothing": 0.1}, "leave label_smoothing at 0"),
        ({"head": "angular", "angular_margin": 0.1}, "angular_margin needs labels"),
    ],
)
def test_what_contradicts_it_is_refused(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        config(**given)
