"""The values of recipe and scale for the data and a UNet, the same in all methods on defects, so that results compare.

Imports no torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trainables.contract import Default
from trainables.datasets.config import own_size
from trainables.datasets.errors import nearest

SCALES = ("quick", "full")

FULL_SIZE = 224
"""S1, 4.2."""
FULL_WIDTH, FULL_SWIN_WIDTH = 64, 96
"""Width of a convolutional network's first stage; the embedding of Swin-Tiny and Swin-Small (Liu et al., 2021)."""

QUICK_SIZE, QUICK_TRAIN, QUICK_TEST = 32, 1_000, 400
"""Pixels a side and images, with which networks learnt in minutes (methods.md, 9)."""
QUICK_WIDTH, QUICK_SWIN_WIDTH = 16, 24
"""The latter a multiple of 24, because a stage's heads divide it."""


def require(method: str, recipe: str | None, recipes: Sequence[str], scale: str | None) -> None:
    """Raise `ValueError` for a recipe or scale that doesn't exist."""
    for kind, name, valid in (("recipe", recipe, recipes), ("scale", scale, SCALES)):
        if name is not None and name not in valid:
            raise ValueError(f"{name!r} is not a {kind} of {method}; {nearest(name, valid)}")


def data_defaults(given: Mapping[str, Any], recipe: str | None, scale: str | None) -> dict[str, Default]:
    """The fields of `DefectSettings`: S1's recipes (4.1) are of two datasets, apples and, by default, cracks."""
    sized = own_size(given.get("dataset")) is not None
    apples = recipe == "apples"
    values = {"dataset": Default("casc_ifw" if apples else "synthetic_cracks", "paper" if apples else "assumed")}
    if scale == "full":
        return values | {"image_size": Default(None if sized else FULL_SIZE, "paper")}
    return values | {
        "image_size": Default(None if sized else QUICK_SIZE, "assumed"),
        "grey": Default(True, "assumed"),
        "train_size": Default(QUICK_TRAIN, "assumed"),
        "test_size": Default(QUICK_TEST, "assumed"),
        "augmentation": Default("none", "assumed"),
    }


def unet_defaults(network: Any, scale: str | None) -> dict[str, Default]:
    """`width`, `levels` and `pretrained` of a `cnn_unet` or `swin_unet`, as far as the scale sets them."""
    swin = network == "swin_unet"
    if scale == "full":
        width = FULL_SWIN_WIDTH if swin else FULL_WIDTH
        return {"width": Default(width, "customary"), "pretrained": Default(swin, "paper")}
    width = QUICK_SWIN_WIDTH if swin else QUICK_WIDTH
    return {"width": Default(width, "assumed"), "levels": Default(3 if swin else 4, "assumed")}
