"""Keeps a process that shares a GPU within its share: what it takes beyond that, another one would run out of."""

from __future__ import annotations

from saddle.cluster.gpu.share import memory_limit


def limit_memory(share: float) -> None:
    """Let torch take no more of the process's GPU than belongs to this share; beyond it the trial runs out of memory.

    A whole GPU has no limit, nor has one that Ray only counts.
    """
    import torch

    if 0 < share < 1 and torch.cuda.is_available():
        total = torch.cuda.get_device_properties(0).total_memory
        torch.cuda.set_per_process_memory_fraction(memory_limit(share, total))
