"""What recipe and scale give to the fields that a study leaves open, and where each value comes from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainables.contract import Default
from trainables.counterfactual_gan.scales import QUICK
from trainables.datasets.config import own_size
from trainables.datasets.errors import nearest

RECIPES = ("cracks", "apples")
SCALES = ("quick", "full")

FULL_SIZE = 224
"""S1, 4.2."""
SWINS = ("swin_tiny", "swin_small")
SWIN_WIDTH = 96
"""The embedding of Swin-Tiny and Swin-Small (Liu et al., 2021)."""


def defaults(given: Mapping[str, Any], recipe: str | None = None, scale: str | None = None) -> dict[str, Default]:
    """Values for the fields that `given` leaves open; raises `ValueError` for a recipe or scale that doesn't exist.

    A recipe is one of S1's two experiments (4.1): `apples` has λ₃ = 0.1 and updates D twice as often as G, `cracks`
    λ₃ = 2 and both alike. Without one `cracks` counts, without a scale `quick`.
    """
    for kind, name, valid in (("recipe", recipe, RECIPES), ("scale", scale, SCALES)):
        if name is not None and name not in valid:
            raise ValueError(f"{name!r} is no {kind} of counterfactual_gan; {nearest(name, valid)}")
    values = _recipe(recipe or "cracks") | (_full(given) if scale == "full" else _quick(given))
    if given.get("generator") == "swin_unet":
        values["quantised"] = Default(True, "paper")
    return {field: default for field, default in values.items() if field not in given}


def _recipe(recipe: str) -> dict[str, Default]:
    apples = recipe == "apples"
    return {
        "lambda3": Default(0.1 if apples else 2.0, "paper"),
        "update_ratio": Default("2:1" if apples else "1:1", "paper"),
        "dataset": Default("casc_ifw" if apples else "synthetic_cracks", "paper" if apples else "assumed"),
    }


def _full(given: Mapping[str, Any]) -> dict[str, Default]:
    swin = given.get("generator") == "swin_unet"
    return {
        "image_size": Default(FULL_SIZE if own_size(given.get("dataset")) is None else None, "paper"),
        "generator_width": Default(SWIN_WIDTH if swin else 64, "customary"),
        "generator_pretrained": Default(swin, "paper"),
        "discriminator_width": Default(SWIN_WIDTH if given.get("discriminator") in SWINS else 64, "customary"),
        "judge": Default("resnet18", "assumed"),
        "judge_width": Default(64, "customary"),
    }


def _quick(given: Mapping[str, Any]) -> dict[str, Default]:
    swin = given.get("generator") == "swin_unet"
    sized = own_size(given.get("dataset")) is not None
    return {
        "image_size": Default(None if sized else QUICK.image_size, "assumed"),
        "grey": Default(QUICK.grey, "assumed"),
        "train_size": Default(QUICK.train_size, "assumed"),
        "test_size": Default(QUICK.test_size, "assumed"),
        "generator_width": Default(QUICK.swin_width if swin else QUICK.generator_width, "assumed"),
        "generator_levels": Default(3 if swin else 4, "assumed"),
        "discriminator": Default("resnet3", "assumed"),
        "discriminator_width": Default(
            QUICK.swin_width if given.get("discriminator") in SWINS else QUICK.discriminator_width, "assumed"
        ),
        "residual": Default(True, "assumed"),
        "half_cycles": Default(1, "assumed"),
        "epochs": Default(QUICK.epochs, "assumed"),
        "batch_size": Default(QUICK.batch_size, "assumed"),
        "generator_lr": Default(QUICK.lr, "assumed"),
        "discriminator_lr": Default(QUICK.lr, "assumed"),
        "generator_average": Default(QUICK.average, "assumed"),
        "discriminator_average": Default(QUICK.average, "assumed"),
        "augmentation": Default("none", "assumed"),
        "judge_epochs": Default(QUICK.judge_epochs, "assumed"),
    }
