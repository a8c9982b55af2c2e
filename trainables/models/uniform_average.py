"""The mean of a network's weights at several points of its training (stochastic weight averaging)."""

from __future__ import annotations

import copy

import torch
from torch import nn


class UniformAverage:
    """The mean of weights and floating-point buffers of `count` networks (Izmailov et al., 2018), in `network`.

    Running statistics are also averaged, as torch's AveragedModel does with `use_buffers`, instead of being measured
    again in a pass over the data. Other buffers are those of the last network.
    """

    def __init__(self, network: nn.Module) -> None:
        self.count = 0
        self.network = copy.deepcopy(network).requires_grad_(False)

    @torch.no_grad()
    def take_in(self, network: nn.Module) -> None:
        """Add `network` to the mean."""
        self.count += 1
        means = [*self.network.parameters(), *self.network.buffers()]
        values = [*network.parameters(), *network.buffers()]
        for mean, value in zip(means, values, strict=True):
            if mean.is_floating_point():
                mean.lerp_(value, 1 / self.count)
            else:
                mean.copy_(value)
