"""Which images a discriminator accepts, and its cost, without building it. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

from trainables.models.sizes import Size
from trainables.models.swin_sizes import DEPTHS, add_encoder, patch_side

RESNET_DEPTHS = {"resnet3": (1, 1, 1), "resnet18": (2, 2, 2, 2), "resnet50": (3, 4, 6, 3)}
"""Blocks in each stage."""

BOTTLENECKS = frozenset({"resnet50"})
"""ResNets whose blocks are bottlenecks, with four times as many channels outside as inside."""

CUSTOMARY_WIDTH = 64
"""Channels of a ResNet's first stage."""

KINDS = (*RESNET_DEPTHS, *DEPTHS, "hybrid")


def large(shape: Sequence[int]) -> bool:
    """Whether a ResNet for images (C, H, W) starts with a stride and a max-pool."""
    return min(shape[1:]) >= 100


def hybrid_swin_width(width: int) -> int:
    """The embedding dimension of the Swin-Tiny that goes with a ResNet3 of `width` channels: 96 with 64."""
    return width * 3 // 2


def unfit(kind: str, shape: Sequence[int]) -> str | None:
    """What is wrong with images (C, H, W), with the nearest valid size, or None if nothing is wrong."""
    height, breadth = shape[1:]
    patch = patch_side(height, breadth)
    if kind in RESNET_DEPTHS or (height % patch == 0 and breadth % patch == 0):
        return None
    near = "×".join(str(max(patch, (side + patch // 2) // patch * patch)) for side in (height, breadth))
    return (
        f"a {kind} divides images into patches of {patch}×{patch} pixels, which {height}×{breadth} are not a multiple "
        f"of; the nearest size that it takes is {near}"
    )


def discriminator_size(kind: str, shape: Sequence[int], classes: int, *, width: int, fusion: str = "features") -> Size:
    """Multiply-adds of one image's forward pass, and parameters, for images (C, H, W)."""
    size = Size()
    if kind in RESNET_DEPTHS:
        size.linear(_resnet(size, kind, shape, width), classes)
    elif kind in DEPTHS:
        size.linear(_swin(size, kind, shape, width), classes)
    else:
        features = [_resnet(size, "resnet3", shape, width), _swin(size, "swin_tiny", shape, hybrid_swin_width(width))]
        for inputs in features if fusion == "logits" else [sum(features)]:
            size.linear(inputs, classes)
    return size


def _swin(size: Size, kind: str, shape: Sequence[int], width: int) -> int:
    add_encoder(size, shape, width, DEPTHS[kind])
    return width * 8


def _resnet(size: Size, kind: str, shape: Sequence[int], width: int) -> int:
    height, breadth = shape[1:]
    if large(shape):
        height, breadth = (height + 1) // 2, (breadth + 1) // 2
    size.conv(shape[0], width, 7 if large(shape) else 3, height * breadth)
    size.norm(width)
    if large(shape):
        height, breadth = (height + 1) // 2, (breadth + 1) // 2
    before, expansion = width, 4 if kind in BOTTLENECKS else 1
    for stage, depth in enumerate(RESNET_DEPTHS[kind]):
        planes = width * 2**stage
        after = planes * expansion
        for index in range(depth):
            wide = height * breadth  # before the stride, which is the 3×3 convolution's
            if stage and not index:
                height, breadth = (height + 1) // 2, (breadth + 1) // 2
            pixels = height * breadth
            if before != after or (stage and not index):
                _conv(size, before, after, 1, pixels)
            if expansion == 1:
                _conv(size, before, planes, 3, pixels)
                _conv(size, planes, planes, 3, pixels)
            else:
                _conv(size, before, planes, 1, wide)
                _conv(size, planes, planes, 3, pixels)
                _conv(size, planes, after, 1, pixels)
            before = after
    return before


def _conv(size: Size, before: int, channels: int, kernel: int, pixels: int) -> None:
    size.conv(before, channels, kernel, pixels)
    size.norm(channels)
