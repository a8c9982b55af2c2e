"""The forward pass of a subject, made safe to attack: its errors are recorded and never stop an attack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from trainables.evaluation.checklist.subject import Forward

LARGEST = 1e30
"""Infinite logits become this, so that margins of them are numbers."""


class WrongOutput(Exception):
    """The forward pass gives no logits of the right shape, or fails on plain images."""


class _Attackable(torch.autograd.Function):
    """A network's heads whose gradient is zero if the network has none, raises, or returns NaN.

    An attack continues with the available gradient.
    """

    @staticmethod
    def forward(ctx: Any, network: Network, points: Tensor) -> tuple[Tensor, ...]:
        ctx.network, ctx.shape = network, points.shape
        ctx.inner = points.detach().clone().requires_grad_()
        try:
            with torch.enable_grad():
                heads = network.heads(ctx.inner)
        except Exception as error:  # anything that a model raises when gradients are computed
            network.note(error)
            heads = network.heads(points.detach())
        ctx.heads = [head for head in heads if head.requires_grad]
        ctx.which = [index for index, head in enumerate(heads) if head.requires_grad]
        return tuple(head.detach().float() for head in heads)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, Tensor]:
        gradient = None
        if ctx.heads:
            wanted = [gradients[index].to(head.dtype) for index, head in zip(ctx.which, ctx.heads, strict=True)]
            try:
                (gradient,) = torch.autograd.grad(ctx.heads, ctx.inner, wanted, allow_unused=True)
            except Exception as error:  # likewise
                ctx.network.note(error)
        if gradient is None:
            return None, torch.zeros(ctx.shape, dtype=ctx.inner.dtype, device=ctx.inner.device)
        return None, gradient.nan_to_num(0.0, 0.0, 0.0)


@dataclass
class Network:
    """A forward pass; `raised`: what it raised when a gradient was computed, `calls`: how often it was called."""

    forward: Forward
    raised: list[str] = field(default_factory=list)
    calls: int = 0

    def heads(self, images: Tensor) -> list[Tensor]:
        """The raw logits of every head, (N, classes); raises `WrongOutput` for anything else."""
        self.calls += 1
        output = self.forward(images)
        heads = [output] if isinstance(output, Tensor) else list(output) if isinstance(output, Sequence) else []
        if not heads or not all(isinstance(head, Tensor) for head in heads):
            raise WrongOutput(f"the forward pass gives {type(output).__name__}, and not a tensor of logits")
        for head in heads:
            if head.ndim != 2 or len(head) != len(images) or head.shape[1] < 2:
                raise WrongOutput(
                    f"logits must be ({len(images)}, classes) for {len(images)} images, not {tuple(head.shape)}"
                )
        return heads

    def logits(self, images: Tensor) -> Tensor:
        """The main head's raw logits, without gradients."""
        with torch.no_grad():
            return self.heads(images)[0].detach()

    def note(self, error: Exception) -> None:
        """Record what the model raised when a gradient was computed."""
        self.raised.append(f"{type(error).__name__}: {error}".splitlines()[0])

    def attacked(self, points: Tensor) -> tuple[list[Tensor], Tensor]:
        """Every head's logits as finite float32, and which main rows were finite, (N,) bool.

        If the forward pass fails with gradients, its logits without are used: their gradient is zero.
        """
        if torch.is_grad_enabled() and points.requires_grad:
            heads = list(_Attackable.apply(self, points))
        else:
            heads = [head.float() for head in self.heads(points)]
        finite = heads[0].detach().isfinite().all(1)
        return [head.nan_to_num(0.0, LARGEST, -LARGEST) for head in heads], finite

    def fooled(self, images: Tensor, labels: Tensor) -> Tensor:
        """Which images are misclassified, (N,) bool; a row that is not finite counts as wrong."""
        logits = self.logits(images).float()
        return (logits.nan_to_num(0.0, LARGEST, -LARGEST).argmax(1) != labels) | ~logits.isfinite().all(1)
