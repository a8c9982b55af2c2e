"""Heads that distinguish classes by the direction of features only, and the margin that trains them further apart."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SHORTEST = 1e-6
"""Length below which features count as having no direction, as those of a dead trunk."""
FARTHEST = 1 - 1e-6
"""Cosines are kept within this of 0: the angle's slope is infinite at 1."""


class AngularHead(nn.Module):
    """Logits `scale` · cos θ, θ the angle between features and each class's weights (Deng et al., 2019, ArcFace).

    Its weights (classes, F) begin as those of `linear`.
    """

    def __init__(self, linear: nn.Module, scale: float) -> None:
        super().__init__()
        if not isinstance(linear, nn.Linear):
            raise TypeError(f"an angular head is made from a linear one, not from {type(linear).__name__}")
        self.weight = nn.Parameter(linear.weight.detach().clone())
        self.scale = scale

    def forward(self, features: Tensor) -> Tensor:
        """Logits (N, classes) of features (N, F), in [-scale, scale]."""
        directions = F.normalize(features, dim=1, eps=SHORTEST), F.normalize(self.weight, dim=1, eps=SHORTEST)
        return self.scale * F.linear(*directions)


def with_angular_margin(logits: Tensor, labels: Tensor, margin: float, scale: float) -> Tensor:
    """Logits (N, classes) of an angular head, those of the labels (N,) as at angles larger by `margin` (radians).

    scale · cos(θ + margin), as ArcFace's eq. 3, and beyond θ + margin = π, where that would rise again, a line that
    continues falling with cos θ. Without a margin the logits are unchanged.
    """
    if not margin:
        return logits
    rows = labels.unsqueeze(1)
    cosine = (logits.gather(1, rows) / scale).clamp(-FARTHEST, FARTHEST)
    turned = cosine * math.cos(margin) - (1 - cosine.square()).sqrt() * math.sin(margin)
    # the line meets the curve where θ + margin = π: cos θ = -cos margin
    beyond = cosine + math.cos(margin) - 1
    held = torch.where(cosine > -math.cos(margin), turned, beyond)
    return logits.scatter(1, rows, (scale * held).to(logits.dtype))
