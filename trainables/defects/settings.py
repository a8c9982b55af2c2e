"""The training data: dataset, tiles, classes, augmentation. Imports no torch."""

from __future__ import annotations

from typing import Literal

from trainables.contract import Config, hyperparameter
from trainables.datasets.config import DatasetSpec
from trainables.datasets.draws import declare_split_seed, declare_test_subset


class DefectSettings(Config):
    """The data of a trial: two classes, 0 undamaged and 1 damaged, and masks if there are any."""

    dataset: DatasetSpec = hyperparameter(
        "synthetic_cracks",
        source="assumed",
        description=(
            "A known name, such as crackforest (`saddle data list` has them), {folder: PATH} or "
            "{parquet: {train: …, test: …}}."
        ),
    )
    positive: tuple[str, ...] = hyperparameter(
        (),
        source="assumed",
        description="Classes that count as damaged, versus all others; empty: the second of two classes.",
    )
    tile_size: int | None = hyperparameter(
        None,
        source="assumed",
        unit="pixels",
        ge=8,
        le=4096,
        description="Cut images with masks into tiles of N × N pixels; null: as the dataset says.",
    )
    image_size: int | None = hyperparameter(
        None,
        source="paper",
        unit="pixels",
        ge=8,
        le=4096,
        description="Resize images or tiles to N × N pixels (bilinear); null: keep their size.",
    )
    grey: bool = hyperparameter(False, source="assumed", description="Convert images to grey (luma of Rec. 601).")
    train_size: int | None = hyperparameter(
        None, source="paper", unit="images", ge=4, description="Train on at most this many images; null: all."
    )
    test_size: int | None = hyperparameter(
        None, source="paper", unit="images", ge=4, description="Test on at most this many images; null: all."
    )
    test_subset: int = declare_test_subset()
    split_seed: int = declare_split_seed()
    validation_fraction: float = hyperparameter(
        0.125,
        source="paper",
        gt=0,
        le=0.5,
        description="Held-out share of the training split, in whole source images: an eighth of 80 % are S1's 10 %.",
    )
    balanced_sampling: bool = hyperparameter(
        True, source="paper", description="Draw both classes equally often (S1, 5, demands balanced data)."
    )
    augmentation: Literal["none", "crop_colour_blur"] = hyperparameter(
        "crop_colour_blur",
        source="paper",
        description=(
            "Augmentation of training images: none, or S1's (4.2) random crop and resize, flips, rotations, "
            "brightness, hue and blur; how strong, S1 doesn't say."
        ),
    )
