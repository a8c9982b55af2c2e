"""Techniques that contradict each other are refused with what to do instead; all others can be combined."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from trainables import adversarial_training
from trainables.contract import resolve


def config(**given: Any) -> Any:
    return resolve(adversarial_training, {"epochs": 4, **given}).config


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"denoising": "mean"}, "follows the stages of resnet18 or wide_resnet, and lenet has none"),
        (
            {"denoising": "median", "network": "alexnet", "image_size": 32},
            "and alexnet has none; choose another network",
        ),
        ({"perturbation": "kl", "random_start": False}, "perturbation kl needs its random start"),
        ({"perturbation": "fgsm_rs", "rung": "few_steps"}, "rung few_steps has no meaning for perturbation fgsm_rs"),
        ({"perturbation": "kl", "rung": "bfloat16"}, "it has full_strength, few_steps, single_step"),
        ({"objective": "trades", "perturbation": "none"}, "choose a perturbation, such as kl"),
        ({"awp_gamma": 0.01, "awp_warmup": 4}, "leaves no epoch of 4 to awp_gamma; at most 3 is possible"),
        ({"swa_start": 0.5, "weight_average": 0.99}, "both averages of weights"),
        ({"preprocessing": "jpg"}, "preprocessing"),
        ({"eot_draws": 0}, "eot_draws"),
    ],
)
def test_what_contradicts_is_refused_with_what_to_do(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        config(**given)


@pytest.mark.parametrize(
    "given",
    [
        {"objective": "trades", "perturbation": "sta", "awp_gamma": 0.005, "label_smoothing": 0.1, "augmix": True},
        {"objective": "trades", "rung": "few_steps"},
        {"perturbation": "n_fgsm", "random_start": False, "swa_start": 0.5, "dropout": 0.3},
        {"perturbation": "mp", "tasks": ["odd_even"], "objective": "trades", "denoising": "none"},
        {"distillation": "defensive", "perturbation": "sta", "awp_gamma": 0.005, "weight_average": 0.99, "patience": 3},
        {"preprocessing": "random_resize", "perturbation": "kl", "preprocessing_in": "test"},
        {"network": "wide_resnet", "denoising": "non_local", "preprocessing": "bit_depth"},
    ],
    ids=str,
)
def test_what_does_not_contradict_is_taken(given: dict[str, Any]) -> None:
    assert config(**given)


def test_defaults_leave_training_as_it_was() -> None:
    settings = config()
    off = {
        "objective": "cross_entropy", "perturbation": "sta", "label_smoothing": 0.0, "awp_gamma": 0.0, "dropout": 0.0,
        "distillation": "none", "patience": None, "augmix": False, "preprocessing": "none", "denoising": "none",
        "swa_start": None,
    }  # fmt: skip
    assert {name: getattr(settings, name) for name in off} == off
