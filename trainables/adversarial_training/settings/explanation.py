"""How decisions are explained where an analysis looks at explanations. Imports no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from trainables.contract import Config, hyperparameter
from trainables.interpretability.attributions import DESCRIBED, NAMES

if TYPE_CHECKING:
    AttributionName = str
else:
    AttributionName = Literal[NAMES]
    """The names in the folder of methods: schemas list them, and a wrong one gets the nearest as a suggestion."""


class ExplanationSettings(Config):
    """Attributions of the main task's decisions."""

    attributions: tuple[AttributionName, ...] = hyperparameter(
        NAMES,
        source="assumed",
        description=f"Attributions that analyses of explanations look at: {DESCRIBED}.",
    )
    explained_class: Literal["predicted", "label"] = hyperparameter(
        "predicted",
        source="customary",
        description="Class whose logit is explained: the prediction, right or wrong, or the label.",
    )
    explained_images: int = hyperparameter(
        200,
        source="assumed",
        unit="images",
        ge=2,
        le=1_000,
        description=("Number of test images for the analyses of explanations, the first of a stratified order."),
    )
    retrained_share: float = hyperparameter(
        0.25,
        source="assumed",
        unit="share of pixels",
        gt=0,
        le=0.5,
        description="Share of each image's pixels that diffroar trains networks on: the first or the last by an "
        "attribution.",
    )
    sensitivity_radius: float = hyperparameter(
        0.02,
        source="assumed",
        unit="pixel value in [0, 1]",
        gt=0,
        le=1,
        description="L∞ radius of the noise under which the stability of explanations is measured; the same in every "
        "arm.",
    )
