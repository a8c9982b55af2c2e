"""What is drawn or listed on a CPU, brought to where a batch is computed without a wait."""

from __future__ import annotations

import torch
from torch import Tensor


def to_device(values: Tensor, device: torch.device) -> Tensor:
    """`values` on `device`; from a CPU to a GPU by pinned memory, so that neither waits for the other.

    From memory that isn't pinned a copy waits until the GPU has done all that was asked of it. torch keeps pinned
    memory until its copy is done, and then uses it again.
    """
    if values.device.type != "cpu" or device.type == "cpu":
        return values.to(device)
    return values.pin_memory().to(device, non_blocking=True)


def to_like(values: Tensor, other: Tensor) -> Tensor:
    """`values` as numbers of `other`'s kind, on its device; see `to_device`."""
    return to_device(values.to(other.dtype), other.device)
