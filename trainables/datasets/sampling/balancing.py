"""Epochs in which every class is equally frequent, for sets where one is rare."""

from __future__ import annotations

import torch
from torch import Tensor


def balanced_epoch(labels: Tensor, generator: torch.Generator) -> Tensor:
    """Indices (N,) int64 of one epoch in random order, equally many of each present class (±1).

    `labels`: (N,) int64. A large class gives a random part of its samples, a small one all of them equally often (±1).
    The indices are on the generator's device.
    """
    device = generator.device
    labels = labels.to(device)
    present = sorted(set(labels.tolist()))
    each, more = divmod(len(labels), len(present))
    extra = torch.randperm(len(present), generator=generator, device=device) < more
    drawn = []
    for label, one_more in zip(present, extra.tolist(), strict=True):
        members = (labels == label).nonzero().squeeze(1)
        wanted = each + int(one_more)
        rounds = -(-wanted // len(members))
        again = [members[torch.randperm(len(members), generator=generator, device=device)] for _ in range(rounds)]
        drawn.append(torch.cat(again)[:wanted])
    indices = torch.cat(drawn)
    return indices[torch.randperm(len(indices), generator=generator, device=device)]
