"""Rotations, shears and translations, a different one for each image in one resampling; what they uncover is black."""

from __future__ import annotations

from math import radians

import torch
import torch.nn.functional as F
from torch import Tensor

from trainables.device.transfer import to_device, to_like

SHIFTS = ("rotate", "shear_x", "shear_y", "translate_x", "translate_y")
MOST_DEGREES, MOST_SHEAR, MOST_TRANSLATION = 30.0, 0.3, 1 / 3
"""At full strength, as in AugMix's code; translations as shares of a side."""


def shifted(images: Tensor, which: Tensor, strength: Tensor) -> Tensor:
    """Images (N, C, H, W), each moved by the operation `which`, (N,) indices of `SHIFTS`; others stay unchanged.

    `strength`: (N,) in [-1, 1]. Both may be on the CPU, where choosing doesn't wait for a GPU. Resampled bilinearly
    about the middle.
    """
    height, breadth = images.shape[2:]
    chosen = ((which >= 0) & (which < len(SHIFTS))).nonzero().squeeze(1)  # on the device of the draws
    if not len(chosen):
        return images.clone()
    moved, own = (to_device(values, images.device) for values in (chosen, which[chosen]))
    strength = to_like(strength[chosen], images)
    angle = radians(MOST_DEGREES) * torch.where(own == 0, strength, 0)
    maps = torch.zeros(len(own), 2, 3, dtype=images.dtype, device=images.device)
    # in pixels about the middle, from each place of the result to its place in the image
    maps[:, 0, 0] = maps[:, 1, 1] = angle.cos()
    maps[:, 0, 1], maps[:, 1, 0] = -angle.sin(), angle.sin()
    maps[:, 0, 1] += MOST_SHEAR * torch.where(own == 1, strength, 0)
    maps[:, 1, 0] += MOST_SHEAR * torch.where(own == 2, strength, 0)
    # grid_sample's places are in halves of a side
    maps[:, 0, 1] *= height / breadth
    maps[:, 1, 0] *= breadth / height
    maps[:, 0, 2] = 2 * MOST_TRANSLATION * torch.where(own == 3, strength, 0)
    maps[:, 1, 2] = 2 * MOST_TRANSLATION * torch.where(own == 4, strength, 0)
    result = images.clone()
    grid = F.affine_grid(maps, [len(own), *images.shape[1:]], align_corners=False)
    result[moved] = F.grid_sample(images[moved], grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return result
