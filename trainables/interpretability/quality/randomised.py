"""A network with its weights redrawn, to see whether maps show what was learnt (Adebayo et al., 2018)."""

from __future__ import annotations

import copy

import torch
from torch import nn

from trainables.randomness import stream_seed


def randomised(network: nn.Module, seed: int = 0) -> nn.Module:
    """A copy of the network with every layer's weights redrawn, as its module initialises them; eval mode.

    A layer that can't draw its weights again (`reset_parameters`) has them shuffled.
    """
    fresh = copy.deepcopy(network).eval()
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(stream_seed(seed, "randomised weights"))
        for module in fresh.modules():
            reset = getattr(module, "reset_parameters", None)
            if callable(reset):
                reset()
            else:
                for parameter in module.parameters(recurse=False):
                    order = torch.randperm(parameter.numel()).to(parameter.device)
                    parameter.copy_(parameter.flatten()[order].reshape_as(parameter))
    return fresh
