"""How it is measured. Imports no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from trainables.contract import Config, hyperparameter
from trainables.counterfactual_gan.analysis_table import ANALYSES

if TYPE_CHECKING:
    AnalysisName = str
else:
    AnalysisName = Literal[tuple(ANALYSES.entries)]
    """The names in the table of analyses: schemas list them, and a wrong one gets the nearest as a suggestion."""


class EvaluationSettings(Config):
    """Independent classifiers, and the measurements of a test."""

    judges: int = hyperparameter(
        3,
        source="assumed",
        ge=1,
        le=9,
        description=(
            "Independent classifiers, trained on the same images without any GAN and the same for every arm and seed: "
            "counterfactuals are judged, distances measured and class activation maps drawn by them."
        ),
    )
    judge: Literal["resnet3", "resnet18", "swin_tiny"] = hyperparameter(
        "resnet3",
        source="assumed",
        description="Network of the judges; the same in every arm, so that arms are comparable.",
    )
    judge_width: int = hyperparameter(16, source="assumed", ge=4, le=512, description="Their width.")
    judge_epochs: int = hyperparameter(
        20, source="assumed", unit="epochs", ge=1, le=1000, description="Epochs for which the judges are trained."
    )
    twins: bool = hyperparameter(
        True,
        source="paper",
        description=(
            "Test also the networks of D and G's class branch trained as plain classifiers (S1, Table 2), each with "
            "as many updates on as many images as D and G."
        ),
    )
    draws: int = hyperparameter(
        4,
        source="assumed",
        ge=1,
        le=100,
        description="Draws of G's noise and dropout that its maps are averaged over, with a fixed seed.",
    )
    attack_draws: int = hyperparameter(
        4,
        source="assumed",
        ge=1,
        le=100,
        description="Draws that attacks on G's class branch take the expectation over; each costs a forward pass.",
    )
    analyses: tuple[AnalysisName, ...] = hyperparameter(
        ("quality", "uncertainty", "saliency"),
        source="paper",
        description=f"Analyses in addition to accuracy and validity: {ANALYSES.described}.",
    )
    features: Literal["judge", "inception"] = hyperparameter(
        "judge",
        source="assumed",
        description="Features for distances: a judge's (FD) or Inception's, as in S1 (FID).",
    )
    inception_weights: str | None = hyperparameter(
        None, source="assumed", description="File of Inception's weights; null: downloaded."
    )
    inception_dimensions: Literal[64, 192, 768, 2048] = hyperparameter(
        2048, source="customary", description="Which of Inception's features; S1's values fit 64 (methods.md 1.9)."
    )
    gallery_epochs: int = hyperparameter(
        0,
        source="assumed",
        unit="epochs",
        ge=0,
        description="Show counterfactuals of validation images every N epochs; 0: of test images only.",
    )
    curve_size: int = hyperparameter(
        200,
        source="assumed",
        unit="images",
        ge=4,
        description="Number of test images for the curves over attacks.",
    )
