"""The class branch: two-branch weighted pooling of every decoder block (Yang et al., 2022; S1, 3.1.1)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_LEAST_WEIGHT = 1e-6


class WeightedPooling(nn.Module):
    """Σ score · weight / Σ weight over all places, of a score MLP and a weight MLP at every place.

    MANIQA's scores are numbers; here they are vectors, and so have no final ReLU. Their last layer is linear, so
    that it is applied once, to the pooled vectors: the same result without H·W times the work.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.hidden = nn.Conv2d(channels, 2 * channels, kernel_size=1)  # the first layers of both MLPs
        self.weight = nn.Linear(channels, 1)
        self.score = nn.Linear(channels, channels)

    def forward(self, features: Tensor) -> Tensor:
        """Vectors (N, channels) of features (N, channels, H, W)."""
        score, weight = F.relu(self.hidden(features)).flatten(2).chunk(2, dim=1)  # (N, channels, H · W) each
        # as matrix products: oneDNN takes several times as long over a convolution to one channel
        weight = torch.sigmoid(self.weight.weight @ weight + self.weight.bias)
        total = weight.sum(dim=2).clamp_min(_LEAST_WEIGHT)
        pooled: Tensor = self.score((score @ weight.transpose(1, 2)).squeeze(2) / total)
        return pooled


class ClassBranch(nn.Module):
    """Pooled vectors of all decoder blocks, concatenated, and an MLP to two logits (S1, A.1)."""

    def __init__(self, channels: Sequence[int], hidden: int, classes: int = 2) -> None:
        super().__init__()
        self.pools = nn.ModuleList(WeightedPooling(count) for count in channels)
        self.mlp = nn.Sequential(nn.Linear(sum(channels), hidden), nn.ReLU(), nn.Linear(hidden, classes))
        # torch's own initialisation shrinks the differences between images at each of four layers, so that with the
        # adversarial loss the branch would learn nothing for hundreds of steps
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, blocks: Sequence[Tensor]) -> Tensor:
        """Logits (N, classes) of the decoder blocks' features, in the order of `channels`."""
        logits: Tensor = self.mlp(torch.cat([pool(block) for pool, block in zip(self.pools, blocks, strict=True)], 1))
        return logits
