"""The forward pass of a subject, made safe to attack: what it does wrong is noted and never stops an attack."""

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


class _FiniteGradient(torch.autograd.Function):
    """The identity, whose gradient has zeros where it was NaN or infinite: an attack goes on with the other pixels."""

    @staticmethod
    def forward(ctx: Any, images: Tensor) -> Tensor:
        return images.view_as(images)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return gradients[0].nan_to_num(0.0, 0.0, 0.0)


@dataclass
class Network:
    """A forward pass; `raised` holds what it raised where a gradient was wanted, `calls` how often it was called."""

    forward: Forward
    raised: list[str] = field(default_factory=list)
    calls: int = 0

    def heads(self, images: Tensor) -> list[Tensor]:
        """The raw logits of every head, (N, classes); raises `WrongOutput` for what is none."""
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

    def attacked(self, points: Tensor) -> tuple[list[Tensor], Tensor]:
        """Every head's logits as finite float32 that depend on `points`, and which main rows were finite, (N,) bool.

        Where the forward pass fails under gradients, its logits without are taken: their gradient is zero.
        """
        guarded = _FiniteGradient.apply(points)
        try:
            heads = self.heads(guarded)
        except Exception as error:  # whatever a model raises when it sees that it is attacked
            if not points.requires_grad:
                raise
            self.raised.append(f"{type(error).__name__}: {error}".splitlines()[0])
            with torch.no_grad():
                heads = self.heads(points.detach())
        finite = heads[0].detach().isfinite().all(1)
        anchor = 0 * guarded.flatten(1).sum(1, keepdim=True)  # a gradient, zero, where a head has none
        return [(head.float().nan_to_num(0.0, LARGEST, -LARGEST) + anchor) for head in heads], finite

    def fooled(self, images: Tensor, labels: Tensor) -> Tensor:
        """Which images are not recognised, (N,) bool; a row that is not finite recognises nothing."""
        logits = self.logits(images).float()
        return (logits.nan_to_num(0.0, LARGEST, -LARGEST).argmax(1) != labels) | ~logits.isfinite().all(1)
