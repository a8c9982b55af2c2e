"""Operations on grey levels alone, as PIL's ImageOps has them on 256 levels; images are (N, C, H, W) in [0, 1]."""

from __future__ import annotations

import torch
from torch import Tensor

LEVELS = 256
POSTERIZED_BITS = 4
"""Bits of a posterized image at a strength of 0; one less with every quarter, as in AugMix's code."""


def autocontrast(images: Tensor) -> Tensor:
    """Each channel stretched linearly so that it reaches from 0 to 1; one of a single level stays unchanged."""
    low, high = images.amin((2, 3), keepdim=True), images.amax((2, 3), keepdim=True)
    span = high - low
    return torch.where(span > 0, (images - low) / span.clamp(min=1 / LEVELS / 2), images)


def equalize(images: Tensor) -> Tensor:
    """Each channel's levels spread out so that all are about equally frequent, by PIL's rule."""
    count, channels, height, breadth = images.shape
    levels = (images * (LEVELS - 1)).round().long().clamp(0, LEVELS - 1).flatten(2)
    histogram = torch.zeros(count, channels, LEVELS, dtype=torch.int64, device=images.device)
    histogram.scatter_add_(2, levels, torch.ones_like(levels))
    last = histogram.gather(2, levels.amax(2, keepdim=True))  # how many pixels have the highest level
    step = (height * breadth - last) // (LEVELS - 1)
    before = histogram.cumsum(2) - histogram
    table = ((step // 2 + before) // step.clamp(min=1)).clamp(max=LEVELS - 1)
    table = torch.where(step > 0, table, torch.arange(LEVELS, device=images.device))
    spread = table.gather(2, levels).to(images.dtype) / (LEVELS - 1)
    return spread.view(images.shape)


def posterize(images: Tensor, strength: Tensor) -> Tensor:
    """Levels whose lowest bits are set to 0, so that 4 of 8 are left at a strength of 0, and none at 1.

    `strength`: (N,) in [0, 1].
    """
    kept_bits = POSTERIZED_BITS - (POSTERIZED_BITS * strength).floor()
    width = (2.0 ** (8 - kept_bits)).to(images.dtype)[:, None, None, None]
    levels = (images * (LEVELS - 1)).round()
    return (levels / width).floor() * width / (LEVELS - 1)


def solarize(images: Tensor, strength: Tensor) -> Tensor:
    """Levels inverted from a threshold on, 256 at a strength of 0 down to 0; `strength`: (N,) in [0, 1]."""
    threshold = (LEVELS - (LEVELS * strength).floor()).to(images.dtype)[:, None, None, None]
    levels = (images * (LEVELS - 1)).round()
    return torch.where(levels < threshold, images, 1 - images)
