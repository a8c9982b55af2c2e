"""Every network, small, with batches for it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from trainables.models.building import build_network
from trainables.models.multi_task import MultiTaskNetwork

CLASSES = (10, 2, 3)
"""Class counts of the main task and two auxiliary ones."""

SMALL_NETWORKS: dict[str, tuple[tuple[int, int, int], dict[str, Any]]] = {
    "lenet": ((1, 8, 8), {"width": 2}),
    "resnet18": ((3, 12, 12), {"width": 2}),
    "alexnet": ((3, 21, 21), {"width": 4}),
    "wide_resnet": ((1, 10, 10), {"width": 1, "depth": 8}),
}


def small_network(name: str, seed: int = 0, classes: tuple[int, ...] = CLASSES) -> MultiTaskNetwork:
    """A network in training mode whose norms have statistics of images, so that they have an effect in eval mode."""
    shape, sizes = SMALL_NETWORKS[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = build_network(name, shape, classes, **sizes)
        for _ in range(3):
            model(torch.rand(16, *shape))
    return model


def small_batch(name: str, seed: int = 0, n: int = 6, classes: tuple[int, ...] = CLASSES) -> tuple[Tensor, Tensor]:
    """Images (n, C, H, W), some of their pixels 0 and 1, and labels (n, tasks)."""
    draw = torch.Generator().manual_seed(seed)
    images = (1.2 * torch.rand(n, *SMALL_NETWORKS[name][0], generator=draw) - 0.1).clamp(0, 1)
    labels = torch.stack([torch.randint(0, count, (n,), generator=draw) for count in classes], dim=1)
    return images, labels
