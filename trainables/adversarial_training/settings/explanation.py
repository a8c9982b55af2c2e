"""How decisions are explained where an analysis looks at explanations. Imports no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from trainables.contract import Config, hyperparameter
from trainables.interpretability.attributions import DESCRIBED, NAMES

if TYPE_CHECKING:
    AttributionName = str
else:
    AttributionName = Literal[NAMES]
    """What the folder of methods holds, as a choice: schemas offer the names, and a wrong one gets the nearest."""


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
        description="Which class's logit is explained: that of the prediction, be it right or wrong, or of the label.",
    )
    explained_images: int = hyperparameter(
        200,
        source="assumed",
        unit="images",
        ge=2,
        le=1_000,
        description=(
            "Analyses of explanations look at so many test images, the first of an order that keeps the classes' "
            "proportions."
        ),
    )
    retrained_share: float = hyperparameter(
        0.25,
        source="assumed",
        unit="share of pixels",
        gt=0,
        le=0.5,
        description="diffroar trains networks on so many pixels of each image, an attribution's first or its last.",
    )
    sensitivity_radius: float = hyperparameter(
        0.02,
        source="assumed",
        unit="pixel value in [0, 1]",
        gt=0,
        le=1,
        description="How far pixels are moved to see whether explanations are stable, L∞; the same in every arm.",
    )
