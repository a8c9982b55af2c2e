"""Brightness, and hue for images in colour."""

from __future__ import annotations

from math import pi

import torch
from torch import Tensor


def brightened(images: Tensor, drawn: Tensor, strength: float) -> Tensor:
    """Images (N, C, H, W), each times a factor of at most 1 ± `strength`, clipped to [0, 1]; `drawn`: (N,)."""
    if not strength:
        return images
    return (images * (1 + strength * (2 * drawn - 1))[:, None, None, None]).clamp(0, 1)


def hue_turned(images: Tensor, drawn: Tensor, strength: float) -> Tensor:
    """Images (N, 3, H, W), colours turned around the grey axis by at most ± `strength` of a whole turn, clipped.

    A rotation of RGB space: grey stays grey, and the mean of the channels is kept. Grey images stay unchanged.
    """
    if not strength or images.shape[1] != 3:
        return images
    angle = 2 * pi * strength * (2 * drawn - 1)
    cosine, sine = angle.cos()[:, None], angle.sin()[:, None] / 3**0.5
    same, before, after = (
        cosine + (1 - cosine) / 3,
        (1 - cosine) / 3 - sine,
        (1 - cosine) / 3 + sine,
    )
    rows = [torch.cat(row, dim=1) for row in ((same, before, after), (after, same, before), (before, after, same))]
    return torch.einsum("nij,njhw->nihw", torch.stack(rows, dim=1), images).clamp(0, 1)
