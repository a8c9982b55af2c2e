"""Objectives and results of attacks: the interface between attack algorithms and models, heads, targets and labels."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

PASS_PIXELS = 1 << 17
"""Pixels (of all channels together) of one pass on a CPU; a larger one exceeds its caches and takes longer."""


@dataclass(frozen=True, eq=False)
class Judged:
    """`loss` (n,), which the attack raises, and `fooled` (n,) bool, whether the prediction is wrong."""

    loss: Tensor
    fooled: Tensor

    def of(self, rows: Tensor) -> Judged:
        """The judgement of `rows`, a mask or indices."""
        return Judged(self.loss[rows], self.fooled[rows])


Objective = Callable[[Tensor, Tensor], Judged]
"""Adversarial images (n, C, H, W) and which of the N samples they are, (n,) int64 → their judgement.

The judgement of an image must not depend on the others in its batch: the model is in eval mode.
"""

LogitsOf = Callable[[Tensor], Tensor]
"""Images (n, C, H, W) in [0, 1] → logits (n, classes)."""


@dataclass(frozen=True, eq=False)
class AttackResult:
    """`images` (N, C, H, W) within ε and in [0, 1], and `fooled` (N,) bool, whether any iterate fooled the network.

    An image is the fooling iterate if there was one, else the iterate of highest loss. `evaluations`: how many
    images went through the network forwards.
    """

    images: Tensor
    fooled: Tensor
    evaluations: int


class BestIterates:
    """The best iterate of each of N samples so far: the first one that fooled, else the one of highest loss.

    `turns`: the N are so many blocks of the same samples, and one that is fooled in a block counts as fooled in all
    later ones.
    """

    def __init__(self, images: Tensor, turns: int = 1) -> None:
        self.turns = turns
        self.images = images.clone()
        self.loss = torch.full((len(images),), -torch.inf, dtype=images.dtype, device=images.device)
        self.fooled = torch.zeros(len(images), dtype=torch.bool, device=images.device)
        self.evaluations = 0

    def left(self) -> Tensor:
        """Which samples have not been fooled, (n,) int64."""
        return (~self.fooled).nonzero().squeeze(1)

    def update(self, which: Tensor, images: Tensor, judged: Judged) -> None:
        """Replace those of the samples `which` (n,), none of them fooled before, that `images` (n, C, H, W) improve."""
        better = judged.fooled | (judged.loss > self.loss[which])
        improved = which[better]
        self.images[improved] = images[better]
        self.loss[improved] = judged.loss[better]
        self.fooled[improved] = judged.fooled[better]
        if self.turns > 1 and judged.fooled.any():
            self.fooled = self.fooled.view(self.turns, -1).cumsum(0).flatten() > 0

    def result(self) -> AttackResult:
        """The result so far, detached from further updates."""
        return AttackResult(self.images, self.fooled, self.evaluations)


def untargeted(logits_of: LogitsOf, labels: Tensor, loss: Callable[[Tensor, Tensor], Tensor]) -> Objective:
    """Raise `loss` of logits (n, classes) and labels (n,); `labels`: those of all N samples."""

    def objective(images: Tensor, which: Tensor) -> Judged:
        logits = logits_of(images)
        return Judged(loss(logits, labels[which]), logits.argmax(1) != labels[which])

    return objective


def targeted(
    logits_of: LogitsOf, labels: Tensor, targets: Tensor, loss: Callable[[Tensor, Tensor, Tensor], Tensor]
) -> Objective:
    """Raise `loss` of logits (n, classes), labels and targets (n,), fooled by any wrong class; see `untargeted`."""

    def objective(images: Tensor, which: Tensor) -> Judged:
        logits = logits_of(images)
        return Judged(loss(logits, labels[which], targets[which]), logits.argmax(1) != labels[which])

    return objective


def judge(objective: Objective, images: Tensor, which: Tensor) -> Judged:
    """The judgement of `images` by `objective`, without gradients."""
    with torch.no_grad():
        return _joined(images.dtype, [objective(images[here], which[here]) for here in passes(images)])


def judge_with_gradient(objective: Objective, images: Tensor, which: Tensor) -> tuple[Judged, Tensor]:
    """The judgement of `images` by `objective`, and the gradients of its losses, (n, C, H, W), 0 if there are none."""
    parts, gradients = [], []
    for here in passes(images):
        point = images[here].detach().requires_grad_()
        with torch.enable_grad():
            judged = objective(point, which[here])
            gradients.append(input_gradient(judged.loss.sum(), point))
        parts.append(Judged(judged.loss.detach(), judged.fooled))
    return _joined(images.dtype, parts), torch.cat(gradients)


def input_gradient(loss: Tensor, point: Tensor) -> Tensor:
    """The gradient of a scalar at `point`, of its shape: 0 if there is no path to it, or where it isn't a number."""
    # a network that rounds its input, or looks up a table, may leave no path from the loss to the image
    gradient = torch.autograd.grad(loss, point, allow_unused=True)[0] if loss.requires_grad else None
    # sign(NaN) is NaN: one overflow in the network would take the iterate out of its ball permanently
    return torch.zeros_like(point) if gradient is None else gradient.nan_to_num(0.0)


def logits_in_passes(logits_of: LogitsOf, images: Tensor) -> Tensor:
    """The logits of `images`, (n, classes), without gradients."""
    with torch.no_grad():
        return torch.cat([logits_of(images[here]) for here in passes(images)])


def passes(images: Tensor) -> Iterator[slice]:
    """Which images go through the network together: all, or on a CPU parts of nearly one size."""
    count, (n, _, height, breadth) = 1, images.shape
    if images.device.type == "cpu":
        count = max(1, min(n, math.ceil(n * height * breadth / PASS_PIXELS)))
    return (slice(part * n // count, (part + 1) * n // count) for part in range(count))


def _joined(dtype: torch.dtype, parts: list[Judged]) -> Judged:
    loss = torch.cat([part.loss for part in parts]).to(dtype)
    return Judged(loss, torch.cat([part.fooled for part in parts]))
