"""An average of a network's weights over the steps of its training, evaluated instead of it."""

from __future__ import annotations

import copy

import torch
from torch import nn


class MovingAverage:
    """An exponential moving average of a network's weights; buffers, such as codes, are those of the last step.

    `network`: a copy, which `follow` moves towards the trained one.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.network = copy.deepcopy(network).requires_grad_(False)

    @torch.no_grad()
    def follow(self, network: nn.Module, step: int | None = None) -> None:
        """Move a step towards `network`.

        `step`: the number of earlier steps, if the first ones should be forgotten soon: the decay is at most
        (1 + step) / (10 + step), as in TensorFlow's ExponentialMovingAverage.
        """
        decay = self.decay if step is None else min(self.decay, (1 + step) / (10 + step))
        for mean, weight in zip(self.network.parameters(), network.parameters(), strict=True):
            mean.lerp_(weight, 1 - decay)
        for stored, buffer in zip(self.network.buffers(), network.buffers(), strict=True):
            stored.copy_(buffer)
