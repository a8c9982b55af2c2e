"""What recipe and scale give to the fields that a study leaves open: the data's sizes are the counterfactual GAN's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainables.contract import Default
from trainables.counterfactual_gan.defaults import defaults as of_gan

RECIPES = ("cracks",)
SCALES = ("quick", "full")

SHARED = ("dataset", "image_size", "grey", "train_size", "test_size", "augmentation")
"""Fields of the data, in which both must agree to be comparable."""


def defaults(given: Mapping[str, Any], recipe: str | None = None, scale: str | None = None) -> dict[str, Default]:
    """Values for the fields that `given` leaves open; raises `ValueError` for a recipe or scale that doesn't exist."""
    network = given.get("network", "cnn_unet")
    data = {name: given[name] for name in SHARED if name in given}
    theirs = of_gan({**data, "generator": network}, recipe, scale)
    values = {name: theirs[name] for name in SHARED if name in theirs}
    values |= {"width": theirs["generator_width"]}
    for ours, name in (("levels", "generator_levels"), ("pretrained", "generator_pretrained")):
        if name in theirs:
            values[ours] = theirs[name]
    if scale != "full":
        values["epochs"] = Default(12, "assumed")
    return {name: default for name, default in values.items() if name not in given}
