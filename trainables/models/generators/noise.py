"""Noise at an upsampling layer (S1, eq. 7)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trainables.randomness import BatchPart


class NoiseInjection(nn.Module):
    """u = W₁ Concat(u, W₀ z): a linear map of the noise z to `noise_channels` maps, mixed into the features u.

    The printed W₁ has separate weights for every location, which at 224 pixels are billions: read as a 1×1
    convolution. W₁ is kept as its two halves, whose sum is the same without a copy of the features. At the start it
    passes features on unchanged, with a little noise.
    """

    def __init__(self, channels: int, size: tuple[int, int], noise_channels: int, noise_dim: int) -> None:
        super().__init__()
        self.size = size
        self.project = nn.Linear(noise_dim, noise_channels * size[0] * size[1], bias=False)  # W₀
        self.keep = nn.Conv2d(channels, channels, kernel_size=1)  # W₁ of the features
        self.add = nn.Conv2d(noise_channels, channels, kernel_size=1, bias=False)  # W₁ of the noise
        nn.init.dirac_(self.keep.weight)
        bound = (channels + noise_channels) ** -0.5  # torch's for a convolution of both
        nn.init.uniform_(self.add.weight, -bound, bound)

    def forward(self, features: Tensor, noise: Tensor) -> Tensor:
        """Features (N, channels, H, W) of features and noise z (N, noise_dim)."""
        maps = self.project(noise).view(len(noise), -1, *self.size)
        mixed: Tensor = self.keep(features) + self.add(maps)
        return mixed


def draw_noise(images: Tensor, noise_dim: int, part: BatchPart | None = None) -> Tensor:
    """z ~ N(0, I), one (N, noise_dim) for all layers, from the global generator of the images' device.

    `part`: the part of a batch that ranks share with these images; the draw is then for the whole batch.
    """

    def draw(count: int) -> Tensor:
        return torch.randn(count, noise_dim, device=images.device, dtype=images.dtype)

    return draw(len(images)) if part is None else part.rows(draw)
