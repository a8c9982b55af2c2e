"""The values of recipe and scale for the fields that a study leaves open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainables.contract import Default
from trainables.defects.defaults import SCALES, data_defaults, require, unet_defaults

__all__ = ["RECIPES", "SCALES", "defaults"]

RECIPES = ("cracks",)


def defaults(given: Mapping[str, Any], recipe: str | None = None, scale: str | None = None) -> dict[str, Default]:
    """Values for the fields that `given` leaves open; raises `ValueError` for a recipe or scale that doesn't exist."""
    require("segmentation", recipe, RECIPES, scale)
    values = data_defaults(given, recipe, scale) | unet_defaults(given.get("network", "cnn_unet"), scale)
    if scale != "full":
        values["epochs"] = Default(12, "assumed")
    return {name: default for name, default in values.items() if name not in given}
