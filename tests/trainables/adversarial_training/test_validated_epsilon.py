"""Validation attacks within the ε that a study asks for, says where that is not the test's; what it may choose."""

from __future__ import annotations

from typing import Any

import pytest

from trainables import adversarial_training
from trainables.adversarial_training.config import Config
from trainables.adversarial_training.training.validation import at_validation
from trainables.adversarial_training.validated_epsilon import selection_doubt, trained_epsilon, validated_epsilon
from trainables.contract import InProcessRun, Metric, resolve

ROBUST = Metric("maximize", role="robust")


def config(**given: Any) -> Config:
    small = {"dataset": "digits", "train_size": 60, "test_size": 40, "epochs": 1, "attacks": ["quick"]}
    complete: Config = resolve(adversarial_training, {**small, **given}).config  # type: ignore[assignment]
    return complete


@pytest.mark.parametrize(
    ("given", "trained", "validated"),
    [
        ({"epsilon": 0.05}, 0.05, 0.15),
        ({"epsilon": 0.05, "validation_epsilon": "training"}, 0.05, 0.05),
        ({"perturbation": "none", "validation_epsilon": "training"}, 0.0, 0.0),
        ({"perturbation": "gaussian", "validation_epsilon": "training"}, 0.0, 0.0),
        ({"perturbation": "none"}, 0.0, 0.15),
    ],
)
def test_the_epsilon_of_validation(given: dict[str, Any], trained: float, validated: float) -> None:
    settings = config(attack_epsilon=0.15, **given)
    assert trained_epsilon(settings) == trained
    assert validated_epsilon(settings) == at_validation(settings).attack_epsilon == validated


def test_a_share_of_the_distance_between_classes_is_what_training_took() -> None:
    settings = config(attack_epsilon=0.15, epsilon_share=0.2, validation_epsilon="training")
    assert at_validation(settings, 0.07).attack_epsilon == 0.07
    [report] = adversarial_training.train(settings, InProcessRun())
    assert report.metrics["validation/attack_epsilon"] == report.metrics["train/epsilon"] != settings.epsilon


@pytest.mark.parametrize(("given", "said"), [({"epsilon": 0.05, "validation_epsilon": "training"}, 0.05), ({}, None)])
def test_an_epoch_says_it_only_where_it_is_not_that_of_the_test(given: dict[str, Any], said: float | None) -> None:
    [report] = adversarial_training.train(
        config(attack_epsilon=0.15, epsilon=given.pop("epsilon", 0.15), **given), InProcessRun()
    )
    assert report.metrics.get("validation/attack_epsilon") == said
    assert "validation/attack_epsilon" in adversarial_training.METRICS


@pytest.mark.parametrize(
    ("given", "doubted"),
    [
        ({"perturbation": "none"}, "trained without attacks and validated within ε 0.15"),
        ({"epsilon": 0.0}, "trained without attacks and validated within ε 0.15"),
        ({"epsilon": 0.02}, "trained within ε 0.02 and validated within ε 0.15"),
        ({"epsilon": 0.1}, ""),
        ({"epsilon": 0.02, "validation_epsilon": "training"}, ""),
        ({"perturbation": "none", "validation_epsilon": "training"}, ""),
        ({"epsilon_share": 0.1}, ""),
    ],
)
def test_robust_accuracy_is_doubted_where_training_is_not_for_its_attack(given: dict[str, Any], doubted: str) -> None:
    said = selection_doubt(config(attack_epsilon=0.15, **given), ROBUST)
    assert said.startswith(doubted)
    assert bool(said) is bool(doubted)
    assert selection_doubt(config(attack_epsilon=0.15, **given), Metric("maximize", role="clean")) == ""
