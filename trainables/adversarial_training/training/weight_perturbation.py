"""Adversarial weight perturbation: gradients at weights that are worse than the network's own (Wu et al., 2020)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

SHORTEST = 1e-20
"""Kept in the denominator for layers without gradient, as in the authors' code."""


@contextmanager
def perturbed_weights(model: nn.Module, gamma: float) -> Iterator[None]:
    """Weights w + γ ‖w‖ g / ‖g‖ of each layer, g the gradient that is stored; afterwards exactly w again.

    Layers' weights of two dimensions and more are moved, as in the authors' code: no biases, no norms. The norm is over
    the whole layer. Training uses the gradient at the moved weights (eq. 9 and 10).
    """
    moved = [weight for weight in model.parameters() if weight.ndim > 1 and weight.grad is not None]
    own = [weight.detach().clone() for weight in moved]
    with torch.no_grad():
        for weight in moved:
            assert weight.grad is not None
            weight.add_(weight.grad * (gamma * weight.norm() / (weight.grad.norm() + SHORTEST)))
    try:
        yield
    finally:
        with torch.no_grad():
            for weight, before in zip(moved, own, strict=True):
                weight.copy_(before)


@contextmanager
def unchanged_statistics(model: nn.Module) -> Iterator[None]:
    """Restore buffers, such as BatchNorm's running statistics, afterwards."""
    own = [buffer.clone() for buffer in model.buffers()]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, before in zip(model.buffers(), own, strict=True):
                buffer.copy_(before)
