"""The hyperparameters of segmentation. Imports no torch."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from trainables.contract import hyperparameter
from trainables.datasets.config import known_facts
from trainables.defects.settings import DefectSettings
from trainables.models.generators.sizes import unfit


class Config(DefectSettings):
    """A network that marks damaged pixels, trained on masks; S1 gives no hyperparameter of it."""

    network: Literal["cnn_unet", "swin_unet"] = hyperparameter(
        "cnn_unet", source="paper", description="Network: the generator of S1 without noise, codes and class."
    )
    width: int = hyperparameter(
        64, source="customary", ge=4, le=512, description="cnn_unet: channels at full size; swin_unet: the embedding."
    )
    levels: int = hyperparameter(
        4,
        source="customary",
        ge=1,
        le=7,
        description="Number of times that the image is halved; in a Swin UNet the number of stages.",
    )
    pretrained: bool = hyperparameter(
        False, source="assumed", description="Start swin_unet's encoder from ImageNet weights."
    )
    norm: Literal["group", "batch"] = hyperparameter(
        "group", source="assumed", description="Normalisation of convolutional networks."
    )
    dice_weight: float = hyperparameter(
        1.0,
        source="customary",
        ge=0,
        le=100,
        description="Weight of the soft Dice loss, added to the pixels' cross-entropy because cracks are thin.",
    )
    lr: float = hyperparameter(1e-3, source="assumed", gt=0, le=1, description="Adam's learning rate, at its peak.")
    batch_size: int = hyperparameter(32, source="assumed", unit="images", ge=2, le=4096, description="Images a batch.")
    epochs: int = hyperparameter(50, source="assumed", unit="epochs", ge=1, le=10_000, description="Passes.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.pretrained and self.network != "swin_unet":
            raise ValueError("there are no pretrained weights of a cnn_unet; set pretrained: false")
        facts = known_facts(self.dataset)
        size = (self.image_size, self.image_size) if self.image_size else facts.shape[1:] if facts else None
        if size is not None and (problem := unfit(self.network, (1, *size), self.levels)):
            raise ValueError(problem)
        return self
