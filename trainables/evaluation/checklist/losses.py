"""Losses that an ascent on a subject's images raises, per image."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from trainables.attacks.algorithms.margin import margin

Loss = Callable[[Sequence[Tensor], Tensor], Tensor]
"""Logits of all heads and labels (n, heads) → the loss of each image, (n,)."""


def main_cross_entropy(heads: Sequence[Tensor], labels: Tensor) -> Tensor:
    """The main head's cross-entropy."""
    return F.cross_entropy(heads[0], labels[:, 0], reduction="none")


def main_margin(heads: Sequence[Tensor], labels: Tensor) -> Tensor:
    """The main head's margin between the best wrong class and the right one."""
    return margin(heads[0], labels[:, 0])


def toward_target(heads: Sequence[Tensor], labels: Tensor) -> Tensor:
    """The main head's negative cross-entropy to targets, which are in the second column of the labels."""
    return -F.cross_entropy(heads[0], labels[:, 1], reduction="none")


def all_heads(heads: Sequence[Tensor], labels: Tensor) -> Tensor:
    """The summed cross-entropy of all heads whose labels are known."""
    known = range(min(len(heads), labels.shape[1]))
    return torch.stack([F.cross_entropy(heads[m], labels[:, m], reduction="none") for m in known]).sum(0)


def auxiliary_heads(heads: Sequence[Tensor], labels: Tensor) -> Tensor:
    """The summed cross-entropy of the auxiliary heads alone."""
    known = range(1, min(len(heads), labels.shape[1]))
    return torch.stack([F.cross_entropy(heads[m], labels[:, m], reduction="none") for m in known]).sum(0)
