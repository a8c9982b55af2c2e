"""Base of all discriminators: features of an image, and logits of them (S1, 3.1.2)."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn


class Discriminator(nn.Module):
    """Pooled features and a linear head; a subclass defines `features` and `stages`."""

    head: nn.Module
    """From features (N, F) to logits (N, classes)."""

    channels_last_stages: frozenset[str] = frozenset()
    """Names of `stages` whose output is (N, h, w, C), as Swin's is."""

    def features(self, images: Tensor) -> Tensor:
        """Pooled features (N, F) of images (N, C, H, W) in [0, 1]."""
        raise NotImplementedError(f"{type(self).__name__} has no features")

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, classes) of images (N, C, H, W) in [0, 1]; where there is a class "generated", it is the last."""
        logits: Tensor = self.head(self.features(images))
        return logits

    @property
    def stages(self) -> Mapping[str, nn.Module]:
        """Stages, early to late, whose outputs (N, C, h, w) or (N, h, w, C) are for class activation maps."""
        raise NotImplementedError(f"{type(self).__name__} has no stages")
