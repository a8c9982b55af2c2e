"""The ε of validation, and which checkpoints it may choose too early. Imports no torch."""

from __future__ import annotations

from trainables.adversarial_training.config import Config
from trainables.adversarial_training.perturbations.table import KINDS
from trainables.contract import Metric

VALIDATED = "validation/attack_epsilon"
"""Reported where validation attacks within another ε than the test does."""

MUCH_LESS = 0.5
"""A network that is trained within less than this share of the ε of its validation is not trained for it."""


def is_attacked(config: Config) -> bool:
    """Whether training uses adversarial images at all: not for `none` nor for `gaussian` noise."""
    kind = KINDS.get(config.perturbation)
    return kind is None or kind.steps(1) > 0


def trained_epsilon(config: Config, full: float | None = None) -> float:
    """The ε of the training, 0 where it attacks nothing; `full` is that of `epsilon_share`, which takes the images."""
    return (config.epsilon if full is None else full) if is_attacked(config) else 0.0


def validated_epsilon(config: Config, full: float | None = None) -> float:
    """The ε of validation."""
    return config.attack_epsilon if config.validation_epsilon == "evaluation" else trained_epsilon(config, full)


def selection_doubt(config: Config, metric: Metric) -> str:
    """Why `metric` may choose a checkpoint of this configuration before it has learnt; empty if there is no reason."""
    if metric.role != "robust" or (is_attacked(config) and config.epsilon_share is not None):
        return ""
    trained, validated = trained_epsilon(config), validated_epsilon(config)
    if trained >= MUCH_LESS * validated:
        return ""
    how = f"within ε {trained:.4g}" if trained else "without attacks"
    return (
        f"trained {how} and validated within ε {validated:.4g} (see validation_epsilon), where robust accuracy falls "
        "while such a network learns, so its best epoch may be one of the first"
    )
