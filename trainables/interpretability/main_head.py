"""A multi-task network as one of a single task."""

from __future__ import annotations

from torch import Tensor, nn


class MainHead(nn.Module):
    """The main task's logits alone."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, classes) of images (N, C, H, W)."""
        logits: Tensor = self.network(images)[0]
        return logits
