"""Whether a map falls on the masked area; maps are taken by their sizes, |map|."""

from __future__ import annotations

import torch
from torch import Tensor


def mask_rank(maps: Tensor, masks: Tensor) -> Tensor:
    """The share of a mask's S pixels that are among the S largest of the map, (N,) float64 (Arras et al., 2022).

    `maps`: (N, H, W); `masks`: (N, H, W) bool. NaN if a mask is empty. Among equal values the first ones are taken.
    """
    sizes, marked = maps.flatten(1).abs(), masks.flatten(1)
    order = sizes.sort(dim=1, descending=True, stable=True).indices
    counts = marked.sum(1, keepdim=True)
    among = torch.arange(sizes.shape[1], device=sizes.device) < counts
    hits = (marked.gather(1, order) & among).sum(1)
    return hits.to(torch.float64) / _nan_where_empty(counts[:, 0])


def mask_mass(maps: Tensor, masks: Tensor) -> Tensor:
    """The share of a map's whole size that is in the mask, (N,) float64 (Arras et al., 2022).

    NaN if a mask is empty; for a map of zeros the share of marked pixels, as if all pixels were equal.
    """
    sizes, marked = maps.flatten(1).to(torch.float64).abs(), masks.flatten(1)
    sizes = torch.where(sizes.sum(1, keepdim=True) > 0, sizes, torch.ones_like(sizes))
    share = (sizes * marked).sum(1) / sizes.sum(1)
    return torch.where(marked.any(1), share, torch.full_like(share, torch.nan))


def pointing_game(maps: Tensor, masks: Tensor) -> Tensor:
    """Whether the largest pixel is in the mask, (N,) float64 of 0 and 1 (Zhang et al., 2018).

    With several largest pixels, the share that is; NaN if a mask is empty.
    """
    sizes, marked = maps.flatten(1).abs(), masks.flatten(1)
    largest = sizes == sizes.amax(1, keepdim=True)
    share = (largest & marked).sum(1).to(torch.float64) / largest.sum(1)
    return torch.where(marked.any(1), share, torch.full_like(share, torch.nan))


def mask_share(masks: Tensor) -> Tensor:
    """The share of the pixels that a mask marks, (N,) float64: the value of all three for a map without information."""
    marked = masks.flatten(1).to(torch.float64).mean(1)
    return torch.where(marked > 0, marked, torch.full_like(marked, torch.nan))


def _nan_where_empty(counts: Tensor) -> Tensor:
    counts = counts.to(torch.float64)
    return torch.where(counts > 0, counts, torch.full_like(counts, torch.nan))
