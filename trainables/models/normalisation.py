"""Normalisation of features by GroupNorm or BatchNorm, and of images by ImageNet's statistics."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from trainables.models.memory_layout import in_usual_layout


def make_norm(norm: str, channels: int, **where: Any) -> nn.Module:
    """GroupNorm (`group`) or BatchNorm (`batch`) of `channels` channels; `where` is a device and dtype.

    GroupNorm treats every image separately, so that small batches suffice, and real and generated images don't share
    statistics. Its groups have at least four channels, and there are 32 at most, as is customary.
    """
    if norm == "batch":
        return nn.BatchNorm2d(channels, **where)
    if norm != "group":
        raise ValueError(f"{norm!r} is not a norm; choose group or batch")
    groups = next(count for count in range(min(32, max(1, channels // 4)), 0, -1) if channels % count == 0)
    return nn.GroupNorm(groups, channels, **where)


class Standardised(nn.Module):
    """Pixels minus ImageNet's mean, over its standard deviation, which pretrained weights expect.

    Images without three channels use the means over colours.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
        if channels != 3:
            mean, deviation = mean.mean().expand(channels), deviation.mean().expand(channels)
        self.register_buffer("mean", mean.clone().view(-1, 1, 1), persistent=False)
        self.register_buffer("deviation", deviation.clone().view(-1, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Images (N, C, H, W) in [0, 1], standardised."""
        return (in_usual_layout(images) - self.mean) / self.deviation
