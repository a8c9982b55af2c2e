"""The CNN UNet: pix2pix's generator with S1's noise, class branch and vector quantisation (S1, 3.1.1)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainables.models.generators.dropout import SamplingDropout
from trainables.models.generators.generator import Decoded, Generator
from trainables.models.generators.noise import NoiseInjection, draw_noise
from trainables.models.generators.sizes import dropout_blocks, unet_channels
from trainables.models.generators.vector_quantisation import VectorQuantiser
from trainables.models.normalisation import Standardised, make_norm


class CnnUNet(Generator):
    """`levels` downsamplings by 4×4 convolutions of stride 2, as many upsamplings, and a skip connection at each size.

    `shape`: (C, H, W) of the images, H and W multiples of 2 ** levels. Channels double from `width` at full size to
    eight times that at most. Unlike pix2pix it also has a skip connection at full size, for thin cracks.
    """

    def __init__(
        self,
        shape: Sequence[int],
        *,
        width: int,
        levels: int,
        noise_channels: int,
        noise_dim: int,
        dropout: float,
        quantised: bool,
        residual: bool,
        upsampling: str,
        norm: str,
    ) -> None:
        super().__init__()
        self.noise_dim = noise_dim if noise_channels else 0
        channels = unet_channels(width, levels)
        self.standardised = Standardised(shape[0])
        self.stem = nn.Conv2d(shape[0], width, kernel_size=3, padding=1)
        self.down = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(before, after, kernel_size=4, stride=2, padding=1, bias=False),
                make_norm(norm, after),
                nn.LeakyReLU(0.2),
            )
            for before, after in pairwise(channels)
        )
        self.quantiser = VectorQuantiser(channels[-1]) if quantised else None
        self.up = nn.ModuleList(
            DecoderBlock(
                channels[level + 1],
                channels[level],
                (shape[1] >> level, shape[2] >> level),
                noise_channels=noise_channels,
                noise_dim=noise_dim,
                dropout=dropout if levels - 1 - level < dropout_blocks(levels) else 0.0,
                upsampling="transposed" if level else upsampling,
                norm=norm,
            )
            for level in reversed(range(levels))
        )
        self.make_heads(channels[-2::-1], shape[0], residual)

    def decode(self, images: Tensor) -> Decoded:
        """The features of every decoder block, the last one's at the images' size."""
        features = F.leaky_relu(self.stem(self.standardised(images)), 0.2)
        skips = []
        for down in self.down:
            skips.append(features)
            features = down(features)
        commitment = perplexity = images.new_zeros(())
        if self.quantiser is not None:
            features, commitment, perplexity = self.quantiser(features)
        noise = draw_noise(images, self.noise_dim, self.part) if self.noise_dim else None
        blocks = []
        for up in self.up:
            features = up(features, skips.pop(), noise)
            blocks.append(features)
        return Decoded(blocks, commitment, perplexity)


class DecoderBlock(nn.Module):
    """Upsampling, noise, the skip connection's features, and a 3×3 convolution of both."""

    def __init__(
        self,
        before: int,
        channels: int,
        size: tuple[int, int],
        *,
        noise_channels: int,
        noise_dim: int,
        dropout: float,
        upsampling: str,
        norm: str,
    ) -> None:
        super().__init__()
        self.upsample = make_upsampling(upsampling, before, channels)
        self.noise = NoiseInjection(channels, size, noise_channels, noise_dim) if noise_channels else None
        self.fuse = nn.Sequential(
            nn.Conv2d(2 * channels, channels, kernel_size=3, padding=1, bias=False), make_norm(norm, channels)
        )
        self.dropout = SamplingDropout(dropout) if dropout else nn.Identity()

    def forward(self, features: Tensor, skip: Tensor, noise: Tensor | None) -> Tensor:
        """Features (N, channels, 2H, 2W) of features (N, before, H, W), the encoder's, and noise z (N, d)."""
        features = self.upsample(features)
        if self.noise is not None:
            features = self.noise(features, noise)
        return F.relu(self.dropout(self.fuse(torch.cat([features, skip], dim=1))))


def make_upsampling(upsampling: str, before: int, channels: int) -> nn.Module:
    """Twice the size: `transposed` convolution, `nearest` neighbour and a convolution, or `expand` into 2×2 places.

    Raises `ValueError` for another name.
    """
    if upsampling == "transposed":
        return nn.ConvTranspose2d(before, channels, kernel_size=4, stride=2, padding=1, bias=False)
    if upsampling == "nearest":
        return nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(before, channels, 3, padding=1, bias=False))
    if upsampling == "expand":
        return nn.Sequential(nn.Conv2d(before, 4 * channels, 1, bias=False), nn.PixelShuffle(2))
    raise ValueError(f"{upsampling!r} is not an upsampling; choose nearest or expand")
