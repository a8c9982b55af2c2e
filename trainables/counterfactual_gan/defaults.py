"""The values of recipe and scale for the fields that a study leaves open, and where each comes from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainables.contract import Default
from trainables.defects.defaults import (
    FULL_SWIN_WIDTH,
    FULL_WIDTH,
    QUICK_SWIN_WIDTH,
    QUICK_WIDTH,
    SCALES,
    data_defaults,
    require,
    unet_defaults,
)

__all__ = ["RECIPES", "SCALES", "defaults"]

RECIPES = ("cracks", "apples", "diverse")

DIVERSE: Mapping[str, Any] = {"lambda_diversity": 3.0}
"""What `diverse` adds to `cracks`: it reduced sameness from .75 to .03 at equal validity (methods.md, 10)."""

SWINS = ("swin_tiny", "swin_small")

QUICK: Mapping[str, Any] = {
    "discriminator": "resnet3",
    "residual": True,
    "half_cycles": 1,
    "epochs": 8,
    "batch_size": 32,
    "generator_lr": 1e-3,
    "discriminator_lr": 1e-3,
    "generator_average": 0.97,
    "discriminator_average": 0.97,
    "judge_epochs": 12,
    "attack_draws": 2,
    "curve_size": 100,
}
"""Sizes that take minutes on two cores and worked (methods.md, 9); all of them are assumed."""


def defaults(given: Mapping[str, Any], recipe: str | None = None, scale: str | None = None) -> dict[str, Default]:
    """Values for the fields that `given` leaves open; raises `ValueError` for a recipe or scale that doesn't exist.

    A recipe is one of S1's two experiments (4.1): `apples` has λ₃ = 0.1 and updates D twice as often as G, `cracks`
    λ₃ = 2 and both equally often. `diverse` is `cracks` with counterfactuals that differ between images, which S1
    doesn't ask for. The default recipe is `cracks`, the default scale `quick`.
    """
    require("counterfactual_gan", recipe, RECIPES, scale)
    values = data_defaults(given, recipe, scale) | _recipe(recipe) | _scale(given, scale)
    unet = unet_defaults(given.get("generator"), scale)
    values |= {f"generator_{name}": default for name, default in unet.items()}
    if given.get("generator") == "swin_unet":
        values["quantised"] = Default(True, "paper")
    return {field: default for field, default in values.items() if field not in given}


def _recipe(recipe: str | None) -> dict[str, Default]:
    apples = recipe == "apples"
    ours = DIVERSE if recipe == "diverse" else {}
    return {name: Default(value, "assumed") for name, value in ours.items()} | {
        "lambda3": Default(0.1 if apples else 2.0, "paper"),
        "update_ratio": Default("2:1" if apples else "1:1", "paper"),
    }


def _scale(given: Mapping[str, Any], scale: str | None) -> dict[str, Default]:
    swin = given.get("discriminator") in SWINS
    if scale == "full":
        return {
            "discriminator_width": Default(FULL_SWIN_WIDTH if swin else FULL_WIDTH, "customary"),
            "judge": Default("resnet18", "assumed"),
            "judge_width": Default(FULL_WIDTH, "customary"),
        }
    values = {name: Default(value, "assumed") for name, value in QUICK.items()}
    return values | {"discriminator_width": Default(QUICK_SWIN_WIDTH if swin else QUICK_WIDTH, "assumed")}
