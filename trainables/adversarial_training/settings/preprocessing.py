"""What a network does to its input before its trunk. Imports no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from trainables.contract import Config, hyperparameter
from trainables.input_transformations.table import NONE, TRANSFORMATIONS, described

if TYPE_CHECKING:
    PreprocessingName = str
else:
    PreprocessingName = Literal[(NONE, *TRANSFORMATIONS)]
    """The names in the table of transformations, and none."""


class PreprocessingSettings(Config):
    """A transformation of the input, as a part of the network that every attack goes through."""

    preprocessing: PreprocessingName = hyperparameter(
        NONE,
        source="assumed",
        description=(
            "A transformation of images inside the network, as a defence. Attacks in training, validation and test go "
            "through it: by its gradient or an estimate where it has none (BPDA), and by the mean gradient over "
            f"eot_draws of a random one (EoT; Athalye et al., 2018). {described()}."
        ),
    )
    preprocessing_in: Literal["training_and_test", "test"] = hyperparameter(
        "training_and_test",
        source="assumed",
        description="Whether the transformation is also used in training, or in validation and test only.",
    )
    jpeg_quality: int = hyperparameter(75, source="customary", ge=1, le=100, description="Quality of jpeg.")
    blur_sigma: float = hyperparameter(
        1.0, source="assumed", unit="pixels", gt=0, le=20, description="Standard deviation of gaussian_blur."
    )
    median_size: int = hyperparameter(
        2, source="customary", unit="pixels", ge=2, le=7, description="Side of the window of median_filter, in pixels."
    )
    squeezed_bits: int = hyperparameter(
        4, source="customary", unit="bits", ge=1, le=8, description="Bits per channel that bit_depth keeps."
    )
    preprocessing_noise: float = hyperparameter(
        0.1,
        source="assumed",
        unit="pixel value in [0, 1]",
        gt=0,
        le=2,
        description="Standard deviation of random_noise.",
    )
    resize_share: float = hyperparameter(
        0.25, source="assumed", gt=0, le=0.9, description="Largest share by which random_resize shrinks a side."
    )
    eot_draws: int = hyperparameter(
        10,
        source="customary",
        ge=1,
        le=1_000,
        description=(
            "Draws of a random transformation that predictions and gradients are the mean over in validation and "
            "test: fixed ones, the same for every image, which an attacker knows. Each costs a pass."
        ),
    )
