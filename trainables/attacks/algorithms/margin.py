"""Carlini and Wagner's margin between the best wrong class and the right one (2017)."""

from __future__ import annotations

import torch
from torch import Tensor


def margin(logits: Tensor, labels: Tensor) -> Tensor:
    """max_{j≠y} z_j - z_y of each sample, (N,), positive where it is misclassified.

    `logits`: (N, classes), of two classes at least; `labels`: (N,).
    """
    own = labels.unsqueeze(1)
    others = logits.scatter(1, own, -torch.inf).max(1).values
    return others - logits.gather(1, own).squeeze(1)
