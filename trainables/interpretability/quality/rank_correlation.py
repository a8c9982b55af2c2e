"""How similar two maps are, by the ranks of their pixels."""

from __future__ import annotations

import torch
from torch import Tensor


def spearman(first: Tensor, second: Tensor) -> Tensor:
    """Spearman's correlation of the sizes of two maps, |map|, (N,) float64, for maps (N, H, W); ties share a rank.

    NaN if a map is the same everywhere.
    """
    first, second = (_centred(_ranks(maps.flatten(1).abs())) for maps in (first, second))
    lengths = first.norm(dim=1) * second.norm(dim=1)
    return torch.where(lengths > 0, (first * second).sum(1) / lengths, torch.full_like(lengths, torch.nan))


def _ranks(values: Tensor) -> Tensor:
    """Mean ranks, (N, P) float64."""
    ranked = values.sort(1).values.contiguous()
    first = torch.searchsorted(ranked, values.contiguous())
    last = torch.searchsorted(ranked, values.contiguous(), right=True)
    return (first + last).to(torch.float64) / 2


def _centred(ranks: Tensor) -> Tensor:
    return ranks - ranks.mean(1, keepdim=True)
