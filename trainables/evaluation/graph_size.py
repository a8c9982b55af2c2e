"""How much a network keeps for its backward pass, and how many images fit within a limit."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

GRAPH_BYTES = 4 * 2**30
"""Bytes that the graph of an evaluation's attack may take: little of a GPU's memory, and free on most machines."""

MOST_IMAGES = 256


def graph_bytes(logits: Callable[[Tensor], Tensor], images: Tensor) -> int:
    """Bytes of what is kept of images (N, C, H, W) until their gradient is computed, weights included."""
    sizes: dict[tuple[int, int], int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        sizes[(storage.data_ptr(), storage.nbytes())] = storage.nbytes()
        alive.append(tensor)  # else another tensor could reuse its address, and be taken for it
        return tensor

    alive: list[Tensor] = []
    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        logits(images.detach().clone().requires_grad_())
    return sum(sizes.values())


def image_bytes(logits: Callable[[Tensor], Tensor], image: Tensor) -> int:
    """Bytes that one more image (1, C, H, W) adds to the graph."""
    return graph_bytes(logits, torch.cat([image, image])) - graph_bytes(logits, image)


def images_at_once(
    logits: Callable[[Tensor], Tensor], image: Tensor, limit: int = GRAPH_BYTES, most: int = MOST_IMAGES
) -> int:
    """How many images like this one, (1, C, H, W), have a graph of at most `limit` bytes: from 1 up to `most`."""
    return max(1, min(most, limit // max(1, image_bytes(logits, image))))
