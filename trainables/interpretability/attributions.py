"""Maps of which pixels decide, by every method. Imports torch only when a map is computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trainables.interpretability.methods as methods
from trainables.discovery import discover
from trainables.interpretability.attribution_method import AttributionMethod, Decisions

if TYPE_CHECKING:
    from torch import Tensor, nn

METHODS: dict[str, AttributionMethod] = discover(methods, AttributionMethod)
NAMES = tuple(METHODS)
DESCRIBED = "; ".join(f"{method.name}, {method.says}" for method in METHODS.values())


def attribute(
    method: str, network: nn.Module, images: Tensor, classes: Tensor, *, seed: int = 0, batch: int = 128
) -> Tensor:
    """Maps (N, H, W) of images (N, C, H, W) for their classes (N,), signed, summed over channels.

    `network`: images → logits (N, classes), used in eval mode. The map of an image depends only on the image, its class
    and `seed` alone. Raises `ValueError` if the method can't explain the network.
    """
    import torch

    from trainables.attacks.frozen import frozen

    if not len(images):
        return images.new_zeros(0, *images.shape[2:])
    if reason := METHODS[method].refusal(network, images[:1]):
        raise ValueError(f"{method} can't explain this network: {reason}")
    parts = []
    with frozen(network), torch.enable_grad():
        for some, wanted in zip(torch.split(images, batch), torch.split(classes, batch), strict=True):
            decisions = Decisions(network, some.detach().clone().requires_grad_(), wanted, seed)
            parts.append(METHODS[method].attribute(decisions).detach().sum(1))
    return torch.cat(parts)
