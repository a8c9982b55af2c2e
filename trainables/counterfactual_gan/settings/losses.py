"""The losses to minimise (S1, eq. 1 to 6). Imports no torch."""

from __future__ import annotations

from typing import Literal

from trainables.contract import Config, hyperparameter

GeneratorLoss = Literal["flip", "two_term", "printed"]


class LossSettings(Config):
    """The losses and their weights."""

    adversarial: bool = hyperparameter(
        True,
        source="paper",
        description=(
            "Train G and D against each other; false trains D, and G's class branch, as plain classifiers on the same "
            "images for as long: S1's conventional equivalents."
        ),
    )
    generator_loss: GeneratorLoss = hyperparameter(
        "flip",
        source="assumed",
        description=(
            "S1's eq. 2 in a form that can be minimised: flip, the cross-entropy of D(G(x)) to the other class; "
            "two_term, away from its own class and from fake, each separately; or as printed, which has no lower "
            "bound and raises p_fake."
        ),
    )
    lambda1: float = hyperparameter(
        1.0, source="paper", ge=0, le=1000, description="λ₁, of G's loss against D (eq. 5)."
    )
    lambda2: float = hyperparameter(
        1.0, source="paper", ge=0, le=1000, description="λ₂, of G's class branch (eq. 3, 5); 0: untrained."
    )
    lambda3: float = hyperparameter(
        0.1, source="paper", ge=0, le=1000, description="λ₃, of the L1 distance of G(x) from x (eq. 4, 5)."
    )
    half_cycles: int = hyperparameter(
        2,
        source="paper",
        ge=1,
        le=8,
        description="c of eq. 6: number of times that G is applied, reaching each class in turn; S1's 0 cycles are 1, "
        "its 1 is 2.",
    )
    lambda_c: float = hyperparameter(
        1.0, source="assumed", gt=0, le=1, description="λ_c of eq. 6: weight of each further half-cycle."
    )
    cycle_identity: float = hyperparameter(
        0.0,
        source="paper",
        ge=0,
        le=1000,
        description="Weight of the L1 distance of G(G(x)) from x, which S1 does not have (CycleGAN); needs half_cycles "
        "≥ 2.",
    )
    lambda_diversity: float = hyperparameter(
        0.0,
        source="paper",
        ge=0,
        le=1000,
        description=(
            "Weight of the similarity of changes to a batch's undamaged images, as `sameness` is measured: with it G "
            "puts damage where it fits each image instead of always at one place. S1 has no such term; 0: none."
        ),
    )
    commitment: float = hyperparameter(
        0.25, source="customary", ge=0, le=100, description="Weight of vector quantisation's commitment loss."
    )
    fake_weight: Literal["expectations", "mean"] = hyperparameter(
        "expectations",
        source="paper",
        description=(
            "Weight of the generated images in D's loss: expectations, as much as one class (eq. 1's three terms); "
            "mean, as much as both (the plain mean over a batch of real and generated images)."
        ),
    )
