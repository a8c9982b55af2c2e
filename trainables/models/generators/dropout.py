"""Dropout that stays on when a trained generator samples (Isola et al., 2017)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class SamplingDropout(nn.Module):
    """Dropout of single values with probability `p`, in eval mode, too, unless `when_sampling` is False."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p
        self.when_sampling = True

    def forward(self, features: Tensor) -> Tensor:
        """Features of any shape, some of them zero and the others scaled up."""
        return F.dropout(features, self.p, training=self.training or self.when_sampling)
