"""The part of a network whose maps GradCAM explains."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def last_stage(network: nn.Module, image: Tensor) -> nn.Module | None:
    """The module with a convolution that gives the last maps of a forward pass of `image` (1, C, H, W).

    Maps are outputs (1, channels, h, w). None if there is no such module.
    """
    last: list[nn.Module] = []

    def note(module: nn.Module, inputs: object, output: object) -> None:
        if isinstance(output, Tensor) and output.ndim == 4:
            last[:] = [module]

    convolving = [
        module
        for module in network.modules()
        if any(isinstance(part, nn.Conv2d | nn.ConvTranspose2d) for part in module.modules())
    ]
    handles = [module.register_forward_hook(note) for module in convolving]
    try:
        with torch.no_grad():
            network(image)
    finally:
        for handle in handles:
            handle.remove()
    return last[0] if last else None
