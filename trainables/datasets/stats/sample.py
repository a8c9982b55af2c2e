"""The sample of images for a dataset's statistics: so many of each class, drawn with a seed."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.datasets.dataset import Split


@dataclass(frozen=True, eq=False)
class Drawn:
    """Images as rows `pixels` (n, d) uint8, sorted by class, and `labels` (n,) int64, 0 … K - 1 without gaps.

    Pixels that differ much come first: distances don't depend on their order, but the search for the nearest one does.
    """

    pixels: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def dimensions(self) -> int:
        """d, pixels times channels."""
        return self.pixels.shape[1]

    @property
    def counts(self) -> Tensor:
        """Images of each class, (K,) int64."""
        return torch.bincount(self.labels)


def draw(split: Split, per_class: int | None, seed: int) -> Drawn:
    """At most `per_class` random images of each class that has any; None takes all."""
    generator = torch.Generator().manual_seed(seed)
    members: list[Tensor] = []
    for label in sorted(set(split.labels.tolist())):
        index = (split.labels == label).nonzero().squeeze(1)
        index = index[torch.randperm(len(index), generator=generator)]
        members.append(index if per_class is None else index[:per_class])
    labels = torch.cat([torch.full((len(index),), k) for k, index in enumerate(members)])
    rows = split.images.flatten(1)
    index = torch.cat(members)
    order = spread_order(rows[index[torch.randperm(len(index), generator=generator)[:256]]])
    pixels = torch.empty((len(index), rows.shape[1]), dtype=torch.uint8)
    for start in range(0, len(index), 256):  # rows are in a map of the cache; only these are read
        pixels[start : start + 256] = rows[index[start : start + 256]][:, order]
    return Drawn(pixels, labels)


def spread_order(rows: Tensor) -> Tensor:
    """An order of the pixels, (d,) int64, in which those that vary and are far apart come first."""
    by_variance = rows.to(torch.float32).var(0, correction=0).argsort(descending=True, stable=True)
    # neighbours vary together; a random order within the half that varies most separates them
    half = (len(by_variance) + 1) // 2
    shuffled = torch.randperm(half, generator=torch.Generator().manual_seed(0))
    return torch.cat([by_variance[:half][shuffled], by_variance[half:]])
