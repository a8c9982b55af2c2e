"""The sizes of networks, without building them. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SMALLEST = {"lenet": 4, "resnet18": 1, "alexnet": 21, "wide_resnet": 1}
"""The least pixels a side of a network's images, so that its pools leave something."""

_DEPTH_EXTRA = {"madry": 2, "zagoruyko": 4}


@dataclass
class Size:
    """Multiply-adds of one image's forward pass, and parameters; norms, ReLUs and pools count as no work."""

    macs: int = 0
    parameters: int = 0

    def conv(self, before: int, channels: int, kernel: int, pixels: int, *, bias: bool = False) -> None:
        """Add a convolution that makes `pixels` outputs of each channel."""
        weights = before * channels * kernel**2
        self.macs += weights * pixels
        self.parameters += weights + bias * channels

    def norm(self, channels: int) -> None:
        """Add a norm with a scale and a shift for each channel."""
        self.parameters += 2 * channels

    def matrix(self, inputs: int, outputs: int, tokens: int, *, bias: bool = False) -> None:
        """Add a linear layer that each of `tokens` tokens goes through."""
        self.conv(inputs, outputs, 1, tokens, bias=bias)

    def denoising(self, channels: int, pixels: int, operation: str) -> None:
        """Add a denoising block; for medians and means only the 1×1 convolution counts."""
        if operation == "none":
            return
        if operation == "non_local":
            embedded = embedded_channels(channels)
            for _ in range(2):
                self.conv(channels, embedded, 1, pixels)
            self.macs += pixels**2 * (embedded + channels)
        self.conv(channels, channels, 1, pixels)
        self.norm(channels)

    def linear(self, inputs: int, outputs: int) -> None:
        """Add a linear layer, or several side by side that have `outputs` together."""
        self.macs += inputs * outputs
        self.parameters += (inputs + 1) * outputs


def embedded_channels(channels: int) -> int:
    """Channels of the embeddings with which a non-local denoising block compares places: half of the features'."""
    return max(1, channels // 2)


def network_size(
    network: str,
    shape: Sequence[int],
    outputs: int,
    width: int,
    depth: int = 32,
    depth_rule: str = "madry",
    denoising: str = "none",
) -> Size:
    """The size of a network for images (C, H, W) whose heads have `outputs` logits together."""
    if network == "resnet18":
        return _resnet18(shape, outputs, width, denoising)
    if network == "alexnet":
        return _alexnet(shape, outputs, width)
    if network == "wide_resnet":
        return _wide_resnet(shape, outputs, width, blocks_per_stage(depth, depth_rule), denoising)
    return _lenet(shape, outputs, width)


def blocks_per_stage(depth: int, rule: str) -> int:
    """Blocks in each of a wide ResNet's stages: (depth - 2) / 6 by Madry's rule, (depth - 4) / 6 by Zagoruyko's.

    Raises `ValueError` if that is not a whole number.
    """
    blocks, rest = divmod(depth - _DEPTH_EXTRA[rule], 6)
    if rest or blocks < 1:
        raise ValueError(f"a wide_resnet of depth {depth} does not have a whole number of blocks by the rule of {rule}")
    return blocks


def alexnet_stride(height: int, breadth: int) -> int:
    """Stride of AlexNet's first convolution: the customary 4, or less where that leaves its pools too little."""
    for stride in (4, 2, 1):
        if min(height, breadth) >= 14 * stride + 7:  # 15 pixels are 7, then 3, then 1 after the pools
            return stride
    raise ValueError(too_small("alexnet", height, breadth))


def alexnet_maps(height: int, breadth: int) -> list[tuple[int, int]]:
    """(H, W) after AlexNet's first convolution, after its first and second pool, and of its adaptive pool."""
    stride = alexnet_stride(height, breadth)
    maps = [((height - 7) // stride + 1, (breadth - 7) // stride + 1)]
    for _ in range(3):
        maps.append(((maps[-1][0] - 1) // 2, (maps[-1][1] - 1) // 2))
    maps[-1] = (min(6, maps[-1][0]), min(6, maps[-1][1]))
    return maps


def too_small(network: str, height: int, breadth: int) -> str | None:
    """What is wrong with images of this size, or None if the network accepts them."""
    side = SMALLEST[network]
    if min(height, breadth) >= side:
        return None
    return f"{network} pools, and needs images of at least {side}×{side} pixels, not {height}×{breadth}"


def _lenet(shape: Sequence[int], outputs: int, width: int) -> Size:
    channels, height, breadth = shape
    size = Size()
    size.conv(channels, 2 * width, 5, height * breadth, bias=True)
    size.conv(2 * width, 4 * width, 5, (height // 2) * (breadth // 2), bias=True)
    size.linear(4 * width * (height // 4) * (breadth // 4), 64 * width)
    size.linear(64 * width, outputs)
    return size


def _resnet18(shape: Sequence[int], outputs: int, width: int, denoising: str) -> Size:
    channels, height, breadth = shape
    size = Size()
    size.conv(channels, width, 3, height * breadth)
    size.norm(width)
    before = width
    for stage in range(4):
        after = width * 2**stage
        if stage:
            height, breadth = (height + 1) // 2, (breadth + 1) // 2
            size.conv(before, after, 1, height * breadth)
            size.norm(after)
        for inputs in (before, after, after, after):
            size.conv(inputs, after, 3, height * breadth)
            size.norm(after)
        size.denoising(after, height * breadth, denoising)
        before = after
    size.linear(before, outputs)
    return size


def _alexnet(shape: Sequence[int], outputs: int, width: int) -> Size:
    first, second, third, last = (maps[0] * maps[1] for maps in alexnet_maps(*shape[1:]))
    size = Size()
    size.conv(shape[0], width, 11, first, bias=True)
    size.conv(width, 3 * width, 5, second, bias=True)
    for before, after in ((3, 6), (6, 4), (4, 4)):
        size.conv(before * width, after * width, 3, third, bias=True)
    size.linear(4 * width * last, 64 * width)
    size.linear(64 * width, 64 * width)
    size.linear(64 * width, outputs)
    return size


def _wide_resnet(shape: Sequence[int], outputs: int, width: int, blocks: int, denoising: str) -> Size:
    channels, height, breadth = shape
    size = Size()
    size.conv(channels, 16, 3, height * breadth)
    before = 16
    for stage in range(3):
        after = 16 * width * 2**stage
        for block in range(blocks):
            size.norm(before)
            if stage and not block:
                height, breadth = (height + 1) // 2, (breadth + 1) // 2
            size.conv(before, after, 3, height * breadth)
            size.norm(after)
            size.conv(after, after, 3, height * breadth)
            if before != after or (stage and not block):
                size.conv(before, after, 1, height * breadth)
            before = after
        size.denoising(before, height * breadth, denoising)
    size.norm(before)
    size.linear(before, outputs)
    return size
