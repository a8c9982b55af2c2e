"""The type of a method that attributes decisions to pixels. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True, eq=False)
class Decisions:
    """Images (N, C, H, W) in [0, 1] with the class (N,) int64 of each that is to be explained.

    `network`: images → logits (N, classes), in eval mode and without gradients of its weights. `seed`: of a method's
    draws; all images get the same draws, so that a map doesn't depend on which images it is computed with.
    """

    network: nn.Module
    images: Tensor
    classes: Tensor
    seed: int = 0


@dataclass(frozen=True)
class AttributionMethod:
    """A method that attributes decisions to pixels.

    `short`: heading above pictures; `says`: a clause for the description of the hyperparameter `attributions`.
    `attribute`: the share of each pixel and channel in the logit of the class, (N, C, H, W), or (N, 1, H, W); signed
    if the method has a sign. `passes`: forward passes with the gradient of the images that a map takes.
    `refusal`: why it can't explain a network, from an image of it; empty if it can.
    """

    name: str
    short: str
    says: str
    attribute: Callable[[Decisions], Tensor]
    passes: float = 1.0
    refusal: Callable[[nn.Module, Tensor], str] = lambda network, image: ""
