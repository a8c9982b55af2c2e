"""Steps without a useful gradient, with that of the identity instead (Bengio et al., 2013; BPDA's estimate)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class _Replaced(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, replacement: Tensor) -> Tensor:
        return replacement.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return gradients[0], None


def replaced(values: Tensor, replacement: Tensor) -> Tensor:
    """`replacement`, whose gradient goes to `values` (of the same shape) as if it were these."""
    forward_value: Tensor = _Replaced.apply(values, replacement.detach())
    return forward_value


def rounded(values: Tensor) -> Tensor:
    """The nearest whole numbers, halves to the even one; the gradient is that of the identity."""
    return replaced(values, values.detach().round())


def clamped(values: Tensor, low: float, high: float) -> Tensor:
    """Values within bounds; the gradient is that of the identity also where they were outside."""
    return replaced(values, values.detach().clamp(low, high))
