"""The part of a split that a trial uses, batch by batch, as pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset as TorchDataset

from trainables.datasets.dataset import Split
from trainables.datasets.sampling.grey import to_grey
from trainables.device.transfer import to_device


@dataclass(frozen=True, eq=False)
class Samples(TorchDataset[tuple[Tensor, Tensor]]):
    """Images (N, C, H, W) uint8 and labels (N,) or (N, tasks) int64, on one device.

    `chosen` (N,) int64: which of a split's images they are; on a CPU these stay where all trials of a node share
    them. `masks` (N, H, W) uint8, where the split has them. With `grey`, pixels come in one channel.
    `groups` (N,) int64: the source image of each, where several were cut from one.
    """

    split: Tensor
    chosen: Tensor
    labels: Tensor
    masks: Tensor | None = None
    grey: bool = False
    groups: Tensor | None = None

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        images, labels = self.__getitems__([index])
        return images[0], labels[0]

    def __getitems__(self, index: list[int]) -> tuple[Tensor, Tensor]:
        """A batch: pixels (B, C, H, W) float32 in [0, 1] and labels (B, …)."""
        batch = to_device(torch.tensor(index), self.split.device)
        return self._pixels(self.split[self.chosen[batch]]), self.labels[batch]

    @property
    def images(self) -> Tensor:
        """A copy of the images, uint8 as they are stored."""
        return self.split[self.chosen]

    @property
    def pixels(self) -> Tensor:
        """All images as float32 in [0, 1]."""
        return self._pixels(self.images)

    def _pixels(self, stored: Tensor) -> Tensor:
        pixels = stored.to(torch.float32) / 255
        return to_grey(pixels) if self.grey else pixels


def first_samples(samples: Samples, most: int) -> Samples:
    """The first `most` of the samples, or all, without copying images."""
    masks, groups = (None if tensor is None else tensor[:most] for tensor in (samples.masks, samples.groups))
    return replace(samples, chosen=samples.chosen[:most], labels=samples.labels[:most], masks=masks, groups=groups)


def samples_of(split: Split, index: Tensor, labels: Tensor, device: Any, *, grey: bool = False) -> Samples:
    """The samples at `index` (M,) of a split with `labels` (M, …), on `device`; on a CPU without copying images."""
    masks = None if split.masks is None else split.masks[index].to(device)
    groups = None if split.groups is None else split.groups[index]
    if torch.device(device).type == "cpu":
        return Samples(split.images, index, labels, masks, grey, groups)
    chosen = torch.arange(len(index), device=device)
    return Samples(split.images[index].to(device), chosen, labels.to(device), masks, grey, groups)
