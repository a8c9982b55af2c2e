"""The Swin UNet (Cao et al., 2022) with S1's changes, on timm's Swin Transformer (S1, 3.1.1 and A.1, Figure 6)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from timm.layers.weight_init import trunc_normal_
from timm.models.swin_transformer import SwinTransformerStage
from torch import Tensor, nn

from trainables.models.generators.dropout import SamplingDropout
from trainables.models.generators.generator import Decoded, Generator
from trainables.models.generators.noise import NoiseInjection, draw_noise
from trainables.models.generators.sizes import DECODER_DEPTH, dropout_blocks, last_block_channels
from trainables.models.generators.unet import make_upsampling
from trainables.models.generators.vector_quantisation import VectorQuantiser
from trainables.models.memory_layout import in_usual_layout
from trainables.models.normalisation import Standardised, make_norm
from trainables.models.swin import build_swin
from trainables.models.swin_sizes import swin_geometry, swin_heads


class SwinUNet(Generator):
    """Swin-Tiny's first `levels` stages, a decoder of as many blocks, and skip connections between them.

    `shape`: (C, H, W) of the images. `width` is the embedding dimension. The encoder is Swin-Tiny's, pretrained or
    not, and not the shallower one of Cao et al., so that pretraining can be ablated separately. `norm` is that of the
    last block's convolutions; all others are LayerNorms.
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
        pretrained: bool,
        norm: str,
    ) -> None:
        super().__init__()
        self.noise_dim = noise_dim if noise_channels else 0
        geometry, heads = swin_geometry(shape, levels), swin_heads(width, levels)
        self.standardised = Standardised(shape[0])
        self.encoder = build_swin("swin_tiny", shape, width, pretrained, levels, what="swin_unet")
        self.quantiser = VectorQuantiser(width * 2 ** (levels - 1)) if quantised else None
        self.up = nn.ModuleList(
            SwinDecoderBlock(
                width * 2**stage,
                geometry.grids[stage],
                heads[stage],
                geometry.window,
                noise_channels=noise_channels,
                noise_dim=noise_dim,
                dropout=dropout if levels - 2 - stage < dropout_blocks(levels) else 0.0,
            )
            for stage in reversed(range(levels - 1))
        )
        size = (shape[1], shape[2])
        last = last_block_channels(width, geometry.patch)
        self.last = LastBlock(last, size, noise_channels, noise_dim, upsampling=upsampling, norm=norm)
        self.make_heads([*(width * 2**stage for stage in reversed(range(levels - 1))), last[-1]], shape[0], residual)

    def decode(self, images: Tensor) -> Decoded:
        """The features of every decoder block, the last one's at the images' size."""
        features = self.encoder.patch_embed(self.standardised(images))
        skips = []
        for stage in self.encoder.layers:
            features = stage(features)
            skips.append(features)
        features = self.encoder.norm(skips.pop())
        commitment = perplexity = images.new_zeros(())
        if self.quantiser is not None:
            maps, commitment, perplexity = self.quantiser(features.permute(0, 3, 1, 2))
            features = maps.permute(0, 2, 3, 1)
        noise = draw_noise(images, self.noise_dim, self.part) if self.noise_dim else None
        blocks = []
        for up in self.up:
            features = up(features, skips.pop(), noise)
            blocks.append(in_usual_layout(features.permute(0, 3, 1, 2)))
        blocks.append(self.last(blocks[-1], noise))
        return Decoded(blocks, commitment, perplexity)


class SwinDecoderBlock(nn.Module):
    """Patch expanding to twice the grid and half the channels, noise, skip connection, and two Swin blocks."""

    def __init__(
        self,
        channels: int,
        grid: tuple[int, int],
        heads: int,
        window: int,
        *,
        noise_channels: int,
        noise_dim: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.expand = nn.Linear(2 * channels, 4 * channels, bias=False)
        self.norm = nn.LayerNorm(channels)
        self.noise = NoiseInjection(channels, grid, noise_channels, noise_dim) if noise_channels else None
        self.fuse = nn.Linear(2 * channels, channels)
        self.blocks = SwinTransformerStage(
            channels, channels, grid, DECODER_DEPTH, downsample=False, num_heads=heads, window_size=window
        )
        self.dropout = SamplingDropout(dropout) if dropout else nn.Identity()
        for module in self.modules():
            if isinstance(module, nn.Linear) and module is not getattr(self.noise, "project", None):
                trunc_normal_(module.weight, std=0.02)  # as timm's encoder starts
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, features: Tensor, skip: Tensor, noise: Tensor | None) -> Tensor:
        """Features (N, 2h, 2w, channels) of features (N, h, w, 2 · channels), the encoder's, and noise z (N, d)."""
        count, height, breadth, channels = features.shape
        places = self.expand(features).view(count, height, breadth, 2, 2, channels // 2)
        places = places.permute(0, 1, 3, 2, 4, 5).reshape(count, 2 * height, 2 * breadth, channels // 2)
        features = self.norm(places)
        if self.noise is not None:
            maps = in_usual_layout(features.permute(0, 3, 1, 2))
            features = self.noise(maps, noise).permute(0, 2, 3, 1)
        upsampled: Tensor = self.dropout(self.blocks(self.fuse(torch.cat([features, skip], dim=-1))))
        return upsampled


class LastBlock(nn.Module):
    """From patches to pixels in steps of two, by nearest neighbour (S1) or by expanding (Cao et al.), then noise.

    Cao et al. expand fourfold in one step; here both kinds take the same steps, so that an ablation compares only them.
    """

    def __init__(
        self,
        channels: Sequence[int],
        size: tuple[int, int],
        noise_channels: int,
        noise_dim: int,
        *,
        upsampling: str,
        norm: str,
    ) -> None:
        super().__init__()
        self.steps = nn.ModuleList(make_upsampling(upsampling, before, after) for before, after in pairwise(channels))
        self.norms = nn.ModuleList(make_norm(norm, after) for after in channels[1:])
        self.noise = NoiseInjection(channels[-1], size, noise_channels, noise_dim) if noise_channels else None

    def forward(self, features: Tensor, noise: Tensor | None) -> Tensor:
        """Features (N, C, H, W) at the images' size of features (N, width, h, w) and noise z (N, d)."""
        for step, norm in zip(self.steps, self.norms, strict=True):
            features = step(features)
            if self.noise is not None and step is self.steps[-1]:
                features = self.noise(features, noise)
            features = F.relu(norm(features))
        return features
