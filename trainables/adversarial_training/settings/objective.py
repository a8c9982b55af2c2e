"""What training minimises in addition to the cross-entropy on perturbed images. Imports no torch."""

from __future__ import annotations

from typing import Literal

from trainables.contract import Config, hyperparameter


class ObjectiveSettings(Config):
    """The loss of training, and when training ends."""

    objective: Literal["cross_entropy", "trades"] = hyperparameter(
        "cross_entropy",
        source="paper",
        description=(
            "cross_entropy of perturbed images, or trades: that of clean images plus trades_beta times the KL "
            "divergence of the perturbed prediction from the clean one (Zhang et al., 2019, eq. 5). trades takes "
            "perturbation kl where a study leaves that open."
        ),
    )
    trades_beta: float = hyperparameter(
        6.0, source="customary", ge=0, le=1_000, description="Weight β = 1/λ of the divergence in trades."
    )
    label_smoothing: float = hyperparameter(
        0.0,
        source="assumed",
        ge=0,
        lt=1,
        description=(
            "Share of each label that the training loss spreads over all classes (Szegedy et al., 2016); attacks and "
            "tests use hard labels."
        ),
    )
    awp_gamma: float = hyperparameter(
        0.0,
        source="assumed",
        ge=0,
        le=1,
        description=(
            "Adversarial weight perturbation (Wu et al., 2020): gradients are taken where each layer's weights were "
            "moved along their own gradient by this share of their norm, 0.005 customarily; 0: none."
        ),
    )
    awp_warmup: int = hyperparameter(
        0,
        source="customary",
        unit="epochs",
        ge=0,
        le=10_000,
        description="Epochs before adversarial weight perturbation begins.",
    )
    distillation: Literal["none", "defensive"] = hyperparameter(
        "none",
        source="assumed",
        description=(
            "defensive: the first teacher_epochs train a teacher with logits over distillation_temperature, the others "
            "a student of its architecture on the teacher's probabilities; tested without temperature (Papernot et "
            "al., 2016)."
        ),
    )
    distillation_temperature: float = hyperparameter(
        20.0, source="customary", gt=0, le=1_000, description="Temperature by which logits are divided in distillation."
    )
    teacher_epochs: int | None = hyperparameter(
        None,
        source="assumed",
        unit="epochs",
        ge=1,
        le=10_000,
        description="Number of epochs that train the teacher of distillation; null: half of epochs.",
    )
    patience: int | None = hyperparameter(
        None,
        source="assumed",
        unit="validations",
        ge=1,
        le=10_000,
        description=(
            "Training ends after this many validations in a row without a better robust worst case (early stopping: "
            "Rice et al., 2020); null: train for all epochs. The checkpoint is the best one in either case."
        ),
    )
