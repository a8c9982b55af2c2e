"""Changes of a dataset after loading, equally in training, held-out and test images. Imports no torch."""

from __future__ import annotations

from typing import Any, Literal

from trainables.contract import Config, hyperparameter


class Transformation(Config):
    """Changes of a dataset that make a dose of one of its properties; by default none.

    They are applied once, in this order: `separation` while the images are drawn, classes are chosen, images are
    smoothed, saturated, and their contrast is reduced; the results are whole grey levels again.
    """

    separation: float = hyperparameter(
        1.0,
        source="assumed",
        unit="share of the full depth of shapes",
        ge=0,
        le=1,
        description="How far synthetic_shapes stand out from their noise; 0: not at all. Other datasets have 1.",
    )
    class_count: int | None = hyperparameter(
        None,
        source="assumed",
        unit="classes",
        ge=2,
        le=10_000,
        description=(
            "Number of classes to keep, each with as many images as the smallest class of all, so that all subsets "
            "of a count have equally many images; null: all classes and images."
        ),
    )
    class_distance: Literal["low", "high"] = hyperparameter(
        "low",
        source="assumed",
        description=(
            "Which classes class_count keeps: those whose mean L2 distance to each other (S3, eq. 8) is the least or "
            "the greatest as the images are loaded, in their size; found by exchange from every class. A remark on the "
            "data names them."
        ),
    )
    smoothing: float = hyperparameter(
        0.0,
        source="assumed",
        unit="pixels",
        ge=0,
        le=64,
        description="Standard deviation of a Gaussian that images are smoothed by; 0: none.",
    )
    saturation: float = hyperparameter(
        2.0,
        source="paper",
        unit="p",
        ge=1,
        le=1_000,
        description=(
            "Saturate pixels x to sign(2x-1)|2x-1|^(2/p)/2 + 1/2 (Ding et al., 2019, ICLR): 2 changes nothing, above "
            "2 they move towards black and white, below 2 towards grey."
        ),
    )
    contrast: float = hyperparameter(
        1.0,
        source="assumed",
        gt=0,
        le=1,
        description=(
            "Multiply pixels' differences from the training images' mean, one for each channel, by this: all distances "
            "between images shrink equally, which with each image's own mean they would not."
        ),
    )

    @property
    def changes(self) -> dict[str, Any]:
        """The fields that change the dataset, and their values."""
        changed = {name: value for name, value in self if value != type(self).model_fields[name].default}
        if "class_count" in changed:
            changed["class_distance"] = self.class_distance
        else:
            changed.pop("class_distance", None)
        return {name: changed[name] for name in type(self).model_fields if name in changed}


def transformation_of(config: Any) -> Transformation:
    """The transformation that a configuration's fields describe; none if it has no such fields."""
    return Transformation(
        **{name: getattr(config, name) for name in Transformation.model_fields if hasattr(config, name)}
    )
