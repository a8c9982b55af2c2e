"""Images whose classification is explained, with their maps by every requested method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from trainables.interpretability.attributions import attribute

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True, eq=False)
class ExplainedImages:
    """Images (N, C, H, W) with their labels (N,), and for what class (N,) each is explained.

    `network`: images → logits (N, classes), frozen. `masks`: (N, H, W) bool, the marked truth, if known.
    `first`: how many images were explained before these.
    """

    network: nn.Module
    images: Tensor
    labels: Tensor
    predicted: Tensor
    classes: Tensor
    methods: tuple[str, ...]
    masks: Tensor | None = None
    first: int = 0
    seed: int = 0

    @cached_property
    def maps(self) -> Mapping[str, Tensor]:
        """The maps (N, H, W) by method."""
        return {method: self.explain(method, self.images, self.classes) for method in self.methods}

    @property
    def right(self) -> Tensor:
        """Which images, (N,) bool, are classified as their label says."""
        return self.predicted == self.labels

    def explain(self, method: str, images: Tensor, classes: Tensor) -> Tensor:
        """Maps of other images, (M, H, W), by the same network."""
        return attribute(method, self.network, images, classes, seed=self.seed)

    def logits(self, images: Tensor) -> Tensor:
        """Logits of images (M, C, H, W), without a graph."""
        import torch

        with torch.no_grad():
            logits: Tensor = self.network(images)
        return logits

    def chosen(self, which: Tensor) -> ExplainedImages:
        """The images that `which` (N,) bool selects."""
        masks = None if self.masks is None else self.masks[which]
        return ExplainedImages(
            self.network, self.images[which], self.labels[which], self.predicted[which], self.classes[which],
            self.methods, masks, self.first, self.seed,
        )  # fmt: skip
