"""The changes of a generator in an image, S1's saliency map."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def difference(
    generate: Callable[[Tensor], Tensor], images: Tensor, *, draws: int = 1, batch: int = 256, seed: int = 0
) -> Tensor:
    """|G(x) - x| summed over channels, (N, H, W), averaged over `draws` of G's noise and dropout.

    `generate`: images (N, C, H, W) → counterfactuals of that shape, in the mode in which it should run. Draws come from
    torch's global generator, which starts at `seed` and is restored afterwards.
    """
    if draws < 1:
        raise ValueError(f"draws = {draws}; at least one is needed")
    parts = []
    devices = [images.device] if images.device.type == "cuda" else []
    with torch.random.fork_rng(devices), torch.no_grad():
        torch.manual_seed(seed)
        for some in torch.split(images, batch):
            total = torch.zeros_like(some[:, 0])
            for _ in range(draws):
                total += (generate(some) - some).abs().sum(1)
            parts.append(total / draws)
    return torch.cat(parts)
