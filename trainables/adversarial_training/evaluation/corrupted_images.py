"""The analysed test images under every C-style corruption, made once for all trials of a worker."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from trainables.adversarial_training.analysis import MOST_ANALYSED
from trainables.contract import Run
from trainables.datasets.corruptions.constants import CORRUPTIONS, SEVERITIES
from trainables.datasets.corruptions.corrupted import corrupt
from trainables.datasets.sampling.samples import Samples

MOST_KEPT = 256 * 2**20
"""Bytes of corrupted images that a worker keeps from trial to trial; more are recreated."""


@dataclass(frozen=True, eq=False)
class CorruptedImages:
    """Images (N, C, H, W) uint8, and the run whose worker keeps their corrupted versions."""

    images: Tensor
    run: Run

    @classmethod
    def of_samples(cls, samples: Samples, run: Run) -> CorruptedImages:
        """The corrupted images of the first samples, which are analysed."""
        return cls(samples.split[samples.chosen[:MOST_ANALYSED]], run)

    def of(self, here: slice) -> Iterator[tuple[str, int, Tensor]]:
        """Name, severity and pixels (B, C, H, W) float32 in [0, 1] of the images at the places `here`."""
        for name in CORRUPTIONS:
            for severity in range(1, SEVERITIES + 1):
                yield name, severity, self._corrupted(name, severity)[here].to(torch.float32) / 255

    def _corrupted(self, name: str, severity: int) -> Tensor:
        if (name, severity) in self._kept:
            return self._kept[name, severity]
        images = corrupt(self.images, name, severity)
        if self.images.numel() * len(CORRUPTIONS) * SEVERITIES <= MOST_KEPT:
            self._kept[name, severity] = images
        return images

    @cached_property
    def _kept(self) -> dict[tuple[str, int], Tensor]:
        """The versions created so far of images with these pixels, on this device."""
        pixels = hashlib.sha256(self.images.cpu().contiguous().numpy().data).hexdigest()
        return self.run.cached(("corrupted images", pixels, tuple(self.images.shape), str(self.images.device)), dict)
