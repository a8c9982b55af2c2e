"""The memory layout in which convolutions are fast, where that layout is safe."""

from __future__ import annotations

import torch

SAFE_CAPABILITIES = ("AVX512",)
"""CPUs on which channels last is used.

With AVX2 alone oneDNN's backward pass through convolutions of few channels in that layout writes beyond its memory
(PyTorch 2.15, one thread, a ResNet of width 2): processes abort, or train with damaged weights.
"""


def fast_layout(device: torch.device) -> torch.memory_format:
    """Channels last on CPUs where it is safe (`make bench`), else the usual layout; not measured on a GPU."""
    safe = device.type == "cpu" and torch.backends.cpu.get_cpu_capability() in SAFE_CAPABILITIES
    return torch.channels_last if safe else torch.contiguous_format
