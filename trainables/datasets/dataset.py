"""Datasets as tensors in memory, and stratified draws from them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

from trainables.datasets.sources import SplitName


@dataclass(frozen=True, eq=False)
class Split:
    """One split: `images` (N, C, H, W) uint8, `labels` (N,) int64, `masks` (N, H, W) uint8 or None.

    `groups` (N,) int64, where several samples show the same thing: which of them belong together, as the tiles of one
    image or the frames of one track. Where the source names groups, a number means the same group in every split.
    """

    images: Tensor
    labels: Tensor
    masks: Tensor | None = None
    groups: Tensor | None = None

    def __post_init__(self) -> None:
        n = len(self.images)
        if self.images.ndim != 4 or self.images.dtype != torch.uint8:
            raise ValueError(f"images must be (N, C, H, W) uint8, not {tuple(self.images.shape)} {self.images.dtype}")
        if self.labels.shape != (n,) or self.labels.dtype != torch.int64:
            raise ValueError(f"labels must be ({n},) int64, not {tuple(self.labels.shape)} {self.labels.dtype}")
        if self.masks is not None and (
            self.masks.shape != (n, *self.images.shape[2:]) or self.masks.dtype != torch.uint8
        ):
            raise ValueError(f"masks must be one (H, W) uint8 per image, not {tuple(self.masks.shape)}")
        if self.groups is not None and (self.groups.shape != (n,) or self.groups.dtype != torch.int64):
            raise ValueError(f"groups must be ({n},) int64, not {tuple(self.groups.shape)} {self.groups.dtype}")

    def __len__(self) -> int:
        return len(self.images)

    def pixels(self, index: Tensor | slice | None = None) -> Tensor:
        """The images at `index` (all without one) as float32 in [0, 1]."""
        chosen = self.images if index is None else self.images[index]
        return chosen.to(torch.float32) / 255

    def subset(self, index: Tensor) -> Split:
        """The samples at `index` (M,) int64, in that order."""
        masks, groups = (None if tensor is None else tensor[index] for tensor in (self.masks, self.groups))
        return Split(self.images[index], self.labels[index], masks, groups)


@dataclass(frozen=True, eq=False)
class Dataset:
    """A dataset with its splits; `classes` names the labels 0, 1, …

    `validation`: its own split to hold out, if any; else a part of `train` is held out. `origins`: where the images
    of each split come from, in words. `remarks`: what its owner should know about how it was read. `chosen_from`: the
    names of all classes, if these were chosen from more, and `chosen` their labels among those.
    """

    name: str
    classes: tuple[str, ...]
    train: Split
    test: Split
    validation: Split | None = None
    origins: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    chosen_from: tuple[str, ...] = ()
    chosen: tuple[int, ...] = ()

    @property
    def splits(self) -> dict[SplitName, Split]:
        """The existing splits, by name."""
        named: dict[SplitName, Split] = {"train": self.train, "test": self.test}
        return named if self.validation is None else {**named, "validation": self.validation}

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of every image."""
        channels, height, width = self.train.images.shape[1:]
        return channels, height, width

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of all contents: class names, pixels, labels, masks and groups, in their order."""
        digest = hashlib.sha256("\0".join(self.classes).encode())
        for split in self.splits.values():
            # groups count only if there are any, so that fingerprints of data without groups stayed the same
            for tensor in (split.images, split.labels, split.masks, *([] if split.groups is None else [split.groups])):
                digest.update(str(None if tensor is None else tuple(tensor.shape)).encode())
                if tensor is not None:
                    digest.update(tensor.contiguous().numpy().data)
        return digest.hexdigest()


def stratified_order(labels: Tensor, seed: int) -> Tensor:
    """A random order of the samples, (N,) int64, every prefix of which keeps the classes' proportions.

    `labels`: (N,) int64. Depends on labels and seed only, so that smaller draws nest in larger ones.
    """
    shuffled = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    of = labels[shuffled]
    position = torch.empty(len(labels), dtype=torch.float64)
    for label in sorted(set(of.tolist())):
        members = (of == label).nonzero().squeeze(1)
        position[members] = (torch.arange(len(members), dtype=torch.float64) + 0.5) / len(members)
    return shuffled[position.argsort(stable=True)]
