"""From colour to grey."""

from __future__ import annotations

import torch
from torch import Tensor

LUMA = (0.299, 0.587, 0.114)
"""Rec. 601's weights of red, green and blue, with which Pillow turns images grey."""


def to_grey(pixels: Tensor) -> Tensor:
    """Grey values (N, 1, H, W) of pixels (N, 1 or 3, H, W); raises `ValueError` for other channels."""
    if pixels.shape[1] == 1:
        return pixels
    if pixels.shape[1] != len(LUMA):
        raise ValueError(f"only grey or RGB images can be made grey, not those of {pixels.shape[1]} channels")
    weights = torch.tensor(LUMA, dtype=pixels.dtype, device=pixels.device)
    return torch.einsum("nchw,c->nhw", pixels, weights)[:, None]
