"""On how few pixels a map rests; maps are taken by their sizes, |map|."""

from __future__ import annotations

import torch
from torch import Tensor

OFFSET = 1e-7
"""Added to the shares of the largest, so that a map of zeros has a sparseness; as in Quantus."""


def sparseness(maps: Tensor) -> Tensor:
    """The Gini index of each map's sizes, (N,) float64 (Chalasani et al., 2020).

    `maps`: (N, H, W). 0 if all pixels are equal, 1 - 1 / (H · W) if a single one has everything.
    """
    shares = _of_largest(maps) + OFFSET
    ranked = shares.sort(1).values
    n = ranked.shape[1]
    weights = 2 * torch.arange(1, n + 1, dtype=ranked.dtype, device=ranked.device) - n - 1
    return (weights * ranked).sum(1) / (n * ranked.sum(1))


def complexity(maps: Tensor) -> Tensor:
    """The entropy, in nats, of how each map's size is shared among pixels, (N,) float64 (Bhatt et al., 2020).

    `maps`: (N, H, W). 0 if a single pixel has everything, log(H · W) if all are equal, or all zero.
    """
    shares = _of_largest(maps) + OFFSET
    shares = shares / shares.sum(1, keepdim=True)
    entropy: Tensor = torch.special.entr(shares).sum(1)
    return entropy


def _of_largest(maps: Tensor) -> Tensor:
    """|map| divided by the largest of its map, (N, H · W) float64."""
    sizes = maps.flatten(1).to(torch.float64).abs()
    largest = sizes.amax(1, keepdim=True)
    return sizes / torch.where(largest > 0, largest, torch.ones_like(largest))
