"""A model for attacks: in eval mode, with gradients of its input only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def frozen(model: nn.Module) -> Iterator[nn.Module]:
    """Put `model` in eval mode without parameter gradients; every module and parameter gets its own state back."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with without_gradients(model):
            yield model
    finally:
        for module, mode in modes:
            module.training = mode


@contextmanager
def without_gradients(model: nn.Module) -> Iterator[None]:
    """Take the model's weights out of the graph, so that a backward pass computes only gradients of its input."""
    wanting = [parameter for parameter in model.parameters() if parameter.requires_grad]
    for parameter in wanting:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in wanting:
            parameter.requires_grad_(True)
