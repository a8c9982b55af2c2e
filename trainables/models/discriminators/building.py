"""Build the discriminator, or classifier, of a name and its sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from trainables.models.discriminators.discriminator import Discriminator
from trainables.models.discriminators.sizes import KINDS, RESNET_DEPTHS, unfit


def build_discriminator(
    kind: Literal["resnet3", "resnet18", "resnet50", "swin_tiny", "swin_small", "hybrid"],
    shape: Sequence[int],
    classes: int,
    *,
    width: int,
    norm: Literal["group", "batch"] = "group",
    fusion: Literal["features", "logits"] = "features",
    pretrained: bool = False,
) -> Discriminator:
    """A discriminator for images (C, H, W) with `classes` logits; weights are drawn from torch's global generator.

    `width`: channels of a ResNet's first stage, customarily 64, or a Swin's embedding dimension, customarily 96;
    a Hybrid's is its ResNet3's. `norm` is the ResNets' alone, `fusion` the Hybrid's. `pretrained`: from ImageNet's
    weights, of a Hybrid its Swin-Tiny. Raises `ValueError` for images that aren't a multiple of a patch, and for
    pretrained weights that don't fit or are not available.
    """
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is not a discriminator; choose {', '.join(KINDS)}")
    if problem := unfit(kind, shape):
        raise ValueError(problem)
    # imported on use: timm takes seconds
    if kind in RESNET_DEPTHS:
        from trainables.models.discriminators.resnet import ResNet

        return ResNet(kind, shape, classes, width=width, norm=norm, pretrained=pretrained)
    if kind == "hybrid":
        from trainables.models.discriminators.hybrid import Hybrid

        return Hybrid(shape, classes, width=width, norm=norm, fusion=fusion, pretrained=pretrained)
    from trainables.models.discriminators.swin import Swin

    return Swin(kind, shape, classes, width=width, pretrained=pretrained)
