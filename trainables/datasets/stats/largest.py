"""The nearest image of another class in L∞, the quantity that matters to an attack of radius ε in L∞.

There is no matrix product for L∞, so most pairs are ruled out by a part of their pixels, whose largest difference is
a lower bound.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.datasets.stats.distances import WHITE
from trainables.datasets.stats.sample import Drawn

QUERIES = 1000
"""The nearest image in the whole sample is searched for at most so many images."""
FIRST = 256
"""Pixels that are used to rule out pairs."""
TRIED = 16
"""The pairs that are nearest by these pixels are measured first: the smallest distance then rules out the most."""
ROWS = 128
BLOCK = 1 << 23
"""Pixels compared at the same time (8 MiB)."""
NEVER = 999.0
"""Above every difference of pixels."""


@dataclass(frozen=True, eq=False)
class Nearest:
    """`distances` (q,) float64 on [0, 1] pixels of the images `index` (q,) int64."""

    index: Tensor
    distances: Tensor


def nearest_by_largest(sample: Drawn, seed: int, queries: int = QUERIES) -> Nearest:
    """The L∞ distance of at most `queries` random images to the nearest one of another class; needs two classes."""
    generator = torch.Generator().manual_seed(seed)
    index = torch.randperm(len(sample), generator=generator)[:queries].sort().values
    first = sample.pixels[:, :FIRST].to(torch.float32)
    nearest = [_nearest(sample, first, rows) for rows in torch.split(index, ROWS)]
    return Nearest(index, torch.cat(nearest).to(torch.float64) / WHITE)


def _nearest(sample: Drawn, first: Tensor, rows: Tensor) -> Tensor:
    """The least largest difference of each row (r,) to an image of another class, in grey levels."""
    bound = torch.cdist(first[rows], first, p=torch.inf)
    bound.masked_fill_(sample.labels[rows, None] == sample.labels[None, :], NEVER)
    least, tried = bound.topk(min(TRIED, len(sample)), 1, largest=False)
    measured = largest_differences(sample.pixels, rows.repeat_interleave(tried.shape[1]), tried.flatten())
    nearest = measured.view_as(tried).masked_fill(least == NEVER, NEVER).min(1).values
    row, other = (bound < nearest[:, None]).nonzero(as_tuple=True)
    closest = largest_differences(sample.pixels, rows[row], other)
    return nearest.scatter_reduce(0, row, closest, "amin")


def largest_differences(pixels: Tensor, firsts: Tensor, seconds: Tensor) -> Tensor:
    """The largest difference of two rows' pixels in grey levels, (p,) float32, for each pair of indices."""
    step = max(1, BLOCK // pixels.shape[1])
    distances = torch.empty(len(firsts))  # in one piece: small results between large buffers would fragment the heap
    for start in range(0, len(firsts), step):
        first, second = pixels[firsts[start : start + step]], pixels[seconds[start : start + step]]
        greater = torch.maximum(first, second)
        distances[start : start + step] = greater.sub_(torch.minimum(first, second, out=first)).amax(1)
    return distances
