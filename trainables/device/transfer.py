"""Move values from the CPU to the device of a batch without waiting."""

from __future__ import annotations

import torch
from torch import Tensor


def to_device(values: Tensor, device: torch.device) -> Tensor:
    """`values` on `device`; from a CPU to a GPU by pinned memory, so that neither waits for the other.

    A copy from memory that isn't pinned waits until the GPU has finished all queued work. torch keeps pinned
    memory until its copy is done, and then uses it again.
    """
    if values.device.type != "cpu" or device.type == "cpu":
        return values.to(device)
    return values.pin_memory().to(device, non_blocking=True)


def to_like(values: Tensor, other: Tensor) -> Tensor:
    """`values` in the dtype of `other`, on its device; see `to_device`."""
    return to_device(values.to(other.dtype), other.device)
