"""A run whose dataset is noise, for measuring the cost of training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from trainables.contract import InProcessRun
from trainables.datasets import Dataset, Split

CLASSES = 10


@dataclass
class NoiseRun(InProcessRun):
    """`count` training images (C, H, W) of noise, of ten classes in turn, and a test image of each."""

    shape: tuple[int, int, int] = (1, 8, 8)
    count: int = 220

    def data(self, name: Any) -> Dataset:
        draw = torch.Generator().manual_seed(0)
        images = torch.randint(0, 256, (self.count, *self.shape), generator=draw, dtype=torch.uint8)
        return Dataset(
            "noise",
            tuple(map(str, range(CLASSES))),
            Split(images, torch.arange(self.count) % CLASSES),
            Split(images[:CLASSES], torch.arange(CLASSES)),
        )
