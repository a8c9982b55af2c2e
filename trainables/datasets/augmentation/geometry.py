"""Crops, flips and rotations as one resampling: one affine map for each image."""

from __future__ import annotations

from math import radians
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from trainables.datasets.augmentation.strengths import Strengths


def placements(drawn: Tensor, strengths: Strengths, *, square: bool) -> Tensor | None:
    """Maps (N, 2, 3) from each place of the result to its place in the image; None if nothing moves.

    `drawn`: (N, 8) in [0, 1). Places are in [-1, 1], as `affine_grid` has them.
    """
    quarters = strengths.quarters and square
    if not (strengths.crop or strengths.flip or quarters or strengths.degrees):
        return None
    side = 1 - strengths.crop * drawn[:, 0]
    shift = (1 - side)[:, None] * (2 * drawn[:, 1:3] - 1)
    mirrored = torch.where(drawn[:, 3:5] < strengths.flip, -1.0, 1.0)
    # sines and cosines of quarters, exactly: pixels then fall on pixels
    turns = (4 * drawn[:, 5]).long() if quarters else torch.zeros_like(drawn[:, 5], dtype=torch.int64)
    cosines, sines = drawn.new_tensor([1.0, 0, -1, 0])[turns], drawn.new_tensor([0.0, 1, 0, -1])[turns]
    angle = radians(strengths.degrees) * (2 * drawn[:, 6] - 1)
    rotation = _rotation(cosines, sines) @ _rotation(angle.cos(), angle.sin())
    linear = rotation * (side[:, None] * mirrored)[:, None, :]
    return torch.cat([linear, shift[:, :, None]], dim=2)


def _rotation(cosines: Tensor, sines: Tensor) -> Tensor:
    return torch.stack([cosines, -sines, sines, cosines], dim=1).reshape(-1, 2, 2)


def moved(images: Tensor, maps: Tensor, mode: Literal["bilinear", "nearest"]) -> Tensor:
    """Images (N, C, H, W) resampled by their maps (N, 2, 3); beyond the border they continue mirrored."""
    height, width = images.shape[2:]
    if height != width:  # turn pixels, not places, which are of another length along each side
        ratio = width / height
        factors = maps.new_tensor([[1.0, 1 / ratio, 1.0], [ratio, 1.0, 1.0]])
        maps = maps * factors
    grid = F.affine_grid(maps.to(images.dtype), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, mode=mode, padding_mode="reflection", align_corners=False)
