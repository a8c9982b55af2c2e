"""Changes of pixels: smoothing, saturation, contrast."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from trainables.datasets.augmentation.blur import blurred
from trainables.datasets.transformations.transformation import Transformation

PIECE = 1 << 22
"""Values that are float32 at the same time (16 MiB)."""
UNCHANGED = 2.0
"""The p at which saturation changes nothing."""


def smoothed(images: Tensor, deviation: float) -> Tensor:
    """Images (N, C, H, W) smoothed by a Gaussian of this standard deviation in pixels, mirrored beyond the border."""
    each = torch.zeros(len(images))
    return blurred(images, each, each + 1, deviation) if deviation else images


def saturated(images: Tensor, p: float) -> Tensor:
    """Pixels in [0, 1], each sign(2x-1)|2x-1|^(2/p)/2 + 1/2 (Ding et al., 2019)."""
    if p == UNCHANGED:
        return images
    from_grey = 2 * images - 1
    return (from_grey.sign() * from_grey.abs().pow(2 / p) + 1) / 2


def channel_means(images: Tensor, transformation: Transformation) -> Tensor:
    """The mean of every channel, (C, 1, 1) float32, of images (N, C, H, W) uint8 as smoothed and saturated."""
    total = torch.zeros(images.shape[1], dtype=torch.float64)
    for piece in _pieces(images):
        total += _shaped(piece, transformation).sum((0, 2, 3), dtype=torch.float64)
    count = images.shape[0] * images.shape[2] * images.shape[3]
    return (total / count).to(torch.float32)[:, None, None]


def transformed_images(images: Tensor, transformation: Transformation, means: Tensor) -> Tensor:
    """Images (N, C, H, W) uint8 as smoothed, saturated and of less contrast about `means` (C, 1, 1), uint8."""
    changed = torch.empty(images.shape, dtype=torch.uint8)
    start = 0
    for piece in _pieces(images):
        shaped = _shaped(piece, transformation)
        paler = means + transformation.contrast * (shaped - means)
        changed[start : start + len(piece)] = (paler * 255).round_().clamp_(0, 255).to(torch.uint8)
        start += len(piece)
    return changed


def _shaped(piece: Tensor, transformation: Transformation) -> Tensor:
    pixels = piece.to(torch.float32) / 255
    return saturated(smoothed(pixels, transformation.smoothing), transformation.saturation)


def _pieces(images: Tensor) -> Iterator[Tensor]:
    yield from images.split(max(1, PIECE // images[0].numel()))  # type: ignore[no-untyped-call]
