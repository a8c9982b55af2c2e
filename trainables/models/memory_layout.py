"""The memory layout of convolutions, which is the usual one on every device."""

from __future__ import annotations

import torch
from torch import Tensor


def in_usual_layout(images: Tensor) -> Tensor:
    """`images` (N, C, H, W) row after row within a channel, as `torch.empty` lays them out; copied if needed.

    With channels last, oneDNN writes beyond its memory in backward passes of strided convolutions with few channels:
    with AVX-512 and two threads for 1×1 kernels, 2 to 15 input channels and an odd batch, with AVX2 on one thread,
    too (PyTorch 2.15). Processes abort, or train with damaged weights. Images of one channel are `is_contiguous` in
    either layout, while a convolution looks at their strides, so that `contiguous` isn't enough.
    """
    height, breadth = images.shape[2:]
    if images.stride()[1:] == (height * breadth, breadth, 1):
        return images
    return images.clone(memory_format=torch.contiguous_format)
