"""The wrong classes that targeted attacks aim at."""

from __future__ import annotations

import torch
from torch import Tensor


def random_wrong_classes(labels: Tensor, classes: int, generator: torch.Generator) -> Tensor:
    """All wrong classes of each sample, (N, classes - 1), each in its own uniformly random order.

    Rows are drawn one after the other from `generator` (a CPU one), so sample i has the same order for any
    later samples and any label, and on every device.
    """
    draws = torch.rand(len(labels), classes - 1, generator=generator, dtype=torch.float64)
    order = draws.argsort(1).to(labels.device)
    return order + (order >= labels.unsqueeze(1)).to(order.dtype)


def least_likely_class(logits: Tensor, labels: Tensor) -> Tensor:
    """The wrong class with the lowest logit, (N,); `logits`: (N, classes), `labels`: (N,)."""
    return logits.scatter(1, labels.unsqueeze(1), torch.inf).argmin(1)


def likeliest_wrong_classes(logits: Tensor, labels: Tensor, count: int) -> Tensor:
    """The `count` wrong classes of highest logit, (N, count), the highest first; see `least_likely_class`."""
    return logits.scatter(1, labels.unsqueeze(1), -torch.inf).topk(count, dim=1).indices
