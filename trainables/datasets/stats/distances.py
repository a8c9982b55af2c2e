"""All distances within a sample, in blocks: their means by class, and each image's nearest one of another class."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.datasets.stats.sample import Drawn

BLOCK = 1 << 24
"""Pixels that are float32 at the same time, per side of a block of distances (64 MiB)."""
ROWS = 1024
"""Images on a side of a block at most."""
EXACT = 1024
"""Pixels whose products are summed in float32: 1024 · 128² is 2²⁴, up to which its integers are exact."""
CENTRE = 128
WHITE = 255.0


@dataclass(frozen=True, eq=False)
class Pairs:
    """Over all pairs of a sample, on [0, 1] pixels.

    `sums` (K, K) float64: distances between the images of two classes, summed. `nearest` (n,) float64: the distance of
    each image to the nearest of another class, which is image number `neighbour` (n,) int64.
    """

    sums: Tensor
    nearest: Tensor
    neighbour: Tensor


def measure_pairs(sample: Drawn) -> Pairs:
    """L2 distances; needs two classes. Exact up to the last root: products of integers, never rounded."""
    classes = len(sample.counts)
    sums = torch.zeros((classes, classes), dtype=torch.float64)
    nearest = torch.full((len(sample),), torch.inf, dtype=torch.float64)
    neighbour = torch.zeros(len(sample), dtype=torch.int64)
    members = torch.nn.functional.one_hot(sample.labels, classes).to(torch.float64)
    for left, right, squared in squared_blocks(sample.pixels):
        between = members[left].T @ (squared.sqrt() @ members[right])
        sums += between if left == right else between + between.T
        squared.masked_fill_(sample.labels[left, None] == sample.labels[None, right], torch.inf)
        for here, there, axis in ((left, right, 1), (right, left, 0)):
            least, index = squared.min(axis)
            closer = least < nearest[here]
            nearest[here] = torch.where(closer, least, nearest[here])
            neighbour[here] = torch.where(closer, index + there.start, neighbour[here])
    return Pairs(sums / WHITE, nearest.sqrt() / WHITE, neighbour)


def mean_distances(sample: Drawn, pairs: Pairs) -> Tensor:
    """The mean distance between the images of two classes, (K, K) float64; the diagonal counts images twice."""
    counts = sample.counts.to(torch.float64)
    return pairs.sums / (counts[:, None] * counts[None, :])


def squared_blocks(pixels: Tensor) -> Iterator[tuple[slice, slice, Tensor]]:
    """The squared distances between rows (n, d) uint8, float64 and exact, block by block of the upper triangle."""
    size = max(1, min(ROWS, BLOCK // pixels.shape[1]))
    blocks = [slice(start, min(start + size, len(pixels))) for start in range(0, len(pixels), size)]
    for number, left in enumerate(blocks):
        rows = _centred(pixels[left])
        for right in blocks[number:]:
            others = rows if right == left else _centred(pixels[right])
            products = torch.zeros((len(rows), len(others)), dtype=torch.float64)
            for start in range(0, pixels.shape[1], EXACT):
                part = slice(start, start + EXACT)
                products += rows[:, part] @ others[:, part].T
            yield left, right, (_norms(rows)[:, None] + _norms(others)[None, :]).sub_(products, alpha=2)


def _centred(pixels: Tensor) -> Tensor:
    return pixels.to(torch.float32).sub_(CENTRE)


def _norms(rows: Tensor) -> Tensor:
    """Squared norms (n,) float64; the squares are integers that float32 holds."""
    return rows.square().sum(1, dtype=torch.float64)
