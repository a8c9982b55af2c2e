"""A grid of rotations and shifts of images, of which the worst counts (Engstrom et al., 2019)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import product

import torch
import torch.nn.functional as F
from torch import Tensor


def withstands_motion(
    logits_of: Callable[[Tensor], Tensor],
    images: Tensor,
    labels: Tensor,
    standing: Tensor,
    degrees: Sequence[float],
    shifts: Sequence[float],
) -> Tensor:
    """Which of the `standing` images, (B,) bool of (B, C, H, W), keep their labels (B,) under every motion.

    Every rotation by one of `degrees` with every shift down and to the right by one of `shifts`, shares of a side.
    """
    standing = standing.clone()
    for angle, down, right in product(degrees, shifts, shifts):
        which = standing.nonzero().squeeze(1)
        if not len(which):
            break
        with torch.no_grad():
            answers = logits_of(moved(images[which], angle, down, right)).argmax(1)
        standing[which] = answers == labels[which]
    return standing


def moved(images: Tensor, degrees: float, down: float, right: float) -> Tensor:
    """Images (B, C, H, W) rotated clockwise and then shifted, bilinear; the uncovered border is black."""
    height, width = images.shape[2:]
    angle = math.radians(degrees)
    cosine, sine = math.cos(angle), math.sin(angle)
    # the source of each place of the result, in coordinates from -1 to 1 across each side
    offset = (-2 * right, -2 * down)
    matrix = [
        [cosine, sine * height / width, cosine * offset[0] + sine * height / width * offset[1]],
        [-sine * width / height, cosine, -sine * width / height * offset[0] + cosine * offset[1]],
    ]
    theta = torch.tensor(matrix, dtype=images.dtype, device=images.device).expand(len(images), 2, 3)
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
