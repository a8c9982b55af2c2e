"""Blocks that denoise features, between the stages of a residual network (Xie et al., 2019)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainables.models.sizes import embedded_channels

WINDOW = 3
"""Pixels a side that means and medians are taken over, as in Xie et al."""

DENOISED = ("mean", "median", "non_local")
"""The operations of a block."""


class DenoisingBlock(nn.Module):
    """x + norm(conv₁ₓ₁(denoised(x))) for features (N, C, H, W) of `channels` channels (Xie et al., 2019, figure 4).

    `operation`: `mean` or `median` over windows of 3×3, or `non_local`: each place's mean over all places, weighted by
    a softmax of their embedded products (the paper's Gaussian version). The norm's scale begins at 0, so that a new
    block changes nothing.
    """

    def __init__(self, channels: int, operation: str) -> None:
        super().__init__()
        if operation not in DENOISED:
            raise ValueError(f"{operation!r} is not a denoising operation; choose {', '.join(DENOISED)}")
        self.operation = operation
        if operation == "non_local":
            embedded = embedded_channels(channels)
            self.theta = nn.Conv2d(channels, embedded, 1, bias=False)
            self.phi = nn.Conv2d(channels, embedded, 1, bias=False)
        self.conv = nn.Conv2d(channels, channels, 1, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        nn.init.zeros_(self.norm.weight)

    def forward(self, features: Tensor) -> Tensor:
        """Features (N, C, H, W) denoised, of the same shape."""
        denoised: Tensor = self.norm(self.conv(self.denoised(features)))
        return features + denoised

    def denoised(self, features: Tensor) -> Tensor:
        """Features after the operation, before the 1×1 convolution."""
        if self.operation == "mean":
            return F.avg_pool2d(features, WINDOW, stride=1, padding=WINDOW // 2, count_include_pad=False)
        if self.operation == "median":
            border = WINDOW // 2
            padded = F.pad(features, [border] * 4, mode="replicate")
            return padded.unfold(2, WINDOW, 1).unfold(3, WINDOW, 1).flatten(4).median(dim=4).values
        return self._non_local(features)

    def _non_local(self, features: Tensor) -> Tensor:
        theta, phi = self.theta(features).flatten(2), self.phi(features).flatten(2)  # (N, C / 2, places)
        similarities = torch.einsum("ncp,ncq->npq", theta, phi) / math.sqrt(theta.shape[1])
        mixed = torch.einsum("npq,ncq->ncp", similarities.softmax(dim=2), features.flatten(2))
        return mixed.view(features.shape)


def make_denoising(operation: str, stages: Sequence[int]) -> nn.ModuleList:
    """A block after each of `stages`, given by their channels; none for the operation `none`."""
    return nn.ModuleList(DenoisingBlock(channels, operation) for channels in stages if operation != "none")


def through_stages(blocks: nn.Sequential, denoising: nn.ModuleList, features: Tensor) -> Tensor:
    """Features through all blocks, with equally many blocks per stage and the denoising block after each stage."""
    per_stage = len(blocks) // len(denoising) if len(denoising) else len(blocks)
    for place, block in enumerate(blocks, start=1):
        features = block(features)
        if len(denoising) and place % per_stage == 0:
            features = denoising[place // per_stage - 1](features)
    return features
