"""A first convolution whose gradient of the images, which attacks need, is fast on a CPU."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class FirstConv2d(nn.Conv2d):
    """A convolution from few channels, which keeps the size of its maps; `kernel_size` is odd.

    For the images' gradient oneDNN vectorises over the one to three channels of an image: this was a third of the time
    of a LeNet's attack. If only that gradient is needed, one matrix product gives every kernel position's share of it,
    and shifted sums put them together: the same sum in another order.
    """

    def __init__(self, channels: int, outputs: int, kernel_size: int) -> None:
        super().__init__(channels, outputs, kernel_size, padding=kernel_size // 2)

    def forward(self, images: Tensor) -> Tensor:
        """Maps (N, outputs, H, W) of images (N, channels, H, W)."""
        only_images = images.requires_grad and not self.weight.requires_grad and torch.is_grad_enabled()
        # a compiler takes minutes for the shifted sums, and plans its own convolution
        if only_images and images.device.type == "cpu" and not torch.compiler.is_compiling():
            maps: Tensor = _ConvOfImages.apply(images, self.weight, self.bias)
            return maps
        return super().forward(images)


class _ConvOfImages(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, images: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(weight)
        return F.conv2d(images, weight, bias, padding=weight.shape[2] // 2)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (weight,) = ctx.saved_tensors
        count, outputs, height, breadth = gradient.shape
        channels, side = weight.shape[1:3]
        own_dtype = weight.dtype
        weight = weight.permute(1, 2, 3, 0).reshape(-1, outputs).to(gradient.dtype)
        pixels = gradient.permute(0, 2, 3, 1).reshape(-1, outputs)
        shares = (weight @ pixels.T).view(channels, side, side, count, height, breadth)
        border = side // 2
        # float32 even if autocast made the gradient bfloat16
        total = shares.new_zeros(channels, count, height + 2 * border, breadth + 2 * border, dtype=own_dtype)
        for row in range(side):
            for column in range(side):
                total[:, :, row : row + height, column : column + breadth] += shares[:, row, column]
        return total[:, :, border : border + height, border : border + breadth].transpose(0, 1), None, None
