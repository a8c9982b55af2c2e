"""Losses of logits that attacks raise, each per sample, (n,); `margin` has its own file.

`logits`: (n, classes); `labels` and `targets`: (n,) int64.
"""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor

from trainables.attacks.algorithms.margin import margin

TINY = 1e-12
"""Keeps the denominators of the DLR losses from 0, where logits are equal."""

TargetedLoss = Callable[[Tensor, Tensor, Tensor], Tensor]


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """The cross-entropy to the label."""
    return F.cross_entropy(logits, labels, reduction="none")


def dlr(logits: Tensor, labels: Tensor) -> Tensor:
    """The difference of logits ratio (Croce and Hein, 2020): the margin over the spread of the three highest logits.

    Invariant to shifts and scale of the logits. Undefined for fewer than three classes: raises ValueError.
    """
    _at_least(3, logits, "the DLR loss")
    top = logits.topk(3, dim=1).values
    return margin(logits, labels) / (top[:, 0] - top[:, 2] + TINY)


def targeted_cross_entropy(logits: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
    """Minus the cross-entropy to the target."""
    return -F.cross_entropy(logits, targets, reduction="none")


def targeted_margin(logits: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
    """z_t - z_y, which is 0 if the target draws level with the label."""
    return _of(logits, targets) - _of(logits, labels)


def targeted_dlr(logits: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
    """The targeted difference of logits ratio (Croce and Hein, 2020): z_t - z_y over the spread of the four highest.

    Undefined for fewer than four classes: raises ValueError.
    """
    _at_least(4, logits, "the targeted DLR loss")
    top = logits.topk(4, dim=1).values
    return targeted_margin(logits, labels, targets) / (top[:, 0] - 0.5 * (top[:, 2] + top[:, 3]) + TINY)


def targeted_loss(classes: int) -> TargetedLoss:
    """The loss of APGD-T: the targeted DLR loss, or the targeted margin where that is undefined."""
    return targeted_dlr if classes >= 4 else targeted_margin


def _of(logits: Tensor, classes: Tensor) -> Tensor:
    return logits.gather(1, classes.unsqueeze(1)).squeeze(1)


def _at_least(classes: int, logits: Tensor, what: str) -> None:
    if logits.shape[1] < classes:
        raise ValueError(f"{what} is defined for {classes} classes or more, not for {logits.shape[1]}: use the margin")
