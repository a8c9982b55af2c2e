"""Vector quantisation of a bottleneck (van den Oord et al., 2017; S1, A.1)."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainables.models.generators.sizes import CODES
from trainables.models.memory_layout import in_usual_layout


class VectorQuantiser(nn.Module):
    """Every place's vector, replaced by the nearest of `codes` codes; gradients go straight through.

    In training mode codes are exponential moving averages of the vectors nearest to them. A code whose share of the
    vectors falls below `dead_below` of an equal share is replaced by a random vector of the batch; before the first
    batch all are dead, so that codes start from data. No decision leaves the device. Codes are buffers: under DDP
    all ranks have those of rank 0. Decay and count are customary (van den Oord et al.; Rombach et al., 2022).
    """

    codes: Tensor
    counts: Tensor
    sums: Tensor

    def __init__(self, dimensions: int, codes: int = CODES, decay: float = 0.99, dead_below: float = 0.1) -> None:
        super().__init__()
        self.decay = decay
        self.dead_below = dead_below
        self.register_buffer("codes", torch.randn(codes, dimensions))
        self.register_buffer("counts", torch.zeros(codes))  # vectors a batch, averaged
        self.register_buffer("sums", torch.zeros(codes, dimensions))  # of these vectors, averaged in the same way

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Features (N, dimensions, H, W) as codes, their commitment loss (), and the perplexity () of the codes.

        The commitment loss is the mean squared distance between features and codes, whose gradient moves features.
        The perplexity is the number of codes that equal use would correspond to.
        """
        with _full_precision(features):  # distances in half precision choose wrong codes
            full = features.to(self.codes.dtype)
            vectors = full.permute(0, 2, 3, 1).reshape(-1, self.codes.shape[1])
            if self.training:
                self._restart(vectors.detach())
            chosen = self._nearest(vectors.detach())
            quantised = F.embedding(chosen, self.codes)
            used = F.one_hot(chosen, len(self.codes)).to(self.codes.dtype)
            if self.training:
                self._learn(vectors.detach(), used)
            commitment = F.mse_loss(vectors, quantised)
            share = used.mean(dim=0)
            perplexity = torch.exp(-torch.xlogy(share, share).sum())
            straight = vectors + (quantised - vectors).detach()
            count, _, height, breadth = features.shape
            maps = in_usual_layout(straight.view(count, height, breadth, -1).permute(0, 3, 1, 2))
        return maps.to(features.dtype), commitment, perplexity

    @torch.no_grad()
    def _nearest(self, vectors: Tensor) -> Tensor:
        distances = self.codes.square().sum(dim=1) - 2 * vectors @ self.codes.T  # without the vectors' own squares
        return distances.argmin(dim=1)

    @torch.no_grad()
    def _restart(self, vectors: Tensor) -> None:
        equal_share = len(vectors) / len(self.codes)
        dead = self.counts < self.dead_below * equal_share
        picked = vectors[torch.randint(len(vectors), (len(self.codes),), device=vectors.device)]
        self.codes.copy_(torch.where(dead[:, None], picked, self.codes))
        self.counts.copy_(torch.where(dead, equal_share, self.counts))
        self.sums.copy_(torch.where(dead[:, None], picked * equal_share, self.sums))

    @torch.no_grad()
    def _learn(self, vectors: Tensor, used: Tensor) -> None:
        self.counts.lerp_(used.sum(dim=0), 1 - self.decay)
        self.sums.lerp_(used.T @ vectors, 1 - self.decay)
        self.codes.copy_(self.sums / self.counts.clamp_min(1e-5)[:, None])


def _full_precision(features: Tensor) -> AbstractContextManager[object]:
    # there is no autocast on the meta device, where networks are only counted
    return nullcontext() if features.is_meta else torch.autocast(features.device.type, enabled=False)
