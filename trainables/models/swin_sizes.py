"""Patches, windows and heads of a Swin Transformer for images of any size, and what it costs. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from trainables.models.sizes import Size

DEPTHS = {"swin_tiny": (2, 2, 6, 2), "swin_small": (2, 2, 18, 2)}
"""Blocks in each stage."""

CUSTOMARY_WIDTH = 96
"""Embedding dimension of Swin-Tiny and Swin-Small, and so of their pretrained weights."""


@dataclass(frozen=True)
class SwinGeometry:
    """How a Swin Transformer divides an image."""

    patch: int
    """Pixels a side of a patch."""
    window: int
    """Patches a side of an attention window; where a stage's grid is smaller, the grid."""
    grids: tuple[tuple[int, int], ...]
    """(H, W) of each stage's features, early to late."""


def swin_geometry(shape: Sequence[int], stages: int = 4) -> SwinGeometry:
    """Patches of an image (C, H, W): 4×4 pixels from 100 pixels a side up, 2×2 below.

    The window is the largest of 4 to 8 that divides the grid of every stage which isn't smaller than it, so that no
    attention is spent on padding: 7 at 224 pixels, as is customary, 8 at 32 and 64, 6 at 96; else 7, with padding.
    """
    height, breadth = shape[1:]
    patch = patch_side(height, breadth)
    grids = [(ceil(height / patch), ceil(breadth / patch))]
    while len(grids) < stages:
        grids.append((ceil(grids[-1][0] / 2), ceil(grids[-1][1] / 2)))
    sides = {side for grid in grids for side in grid}
    fitting = [window for window in (8, 7, 6, 5, 4) if all(side % window == 0 for side in sides if side > window)]
    return SwinGeometry(patch, fitting[0] if fitting else 7, tuple(grids))


def patch_side(height: int, breadth: int) -> int:
    """Pixels a side of a patch."""
    return 2 if min(height, breadth) < 100 else 4


def swin_heads(width: int, stages: int = 4) -> tuple[int, ...]:
    """Attention heads of each stage: one for 32 channels, as is customary, and at least one."""
    return tuple(max(1, width // 32) * 2**stage for stage in range(stages))


def add_encoder(size: Size, shape: Sequence[int], width: int, depths: Sequence[int]) -> None:
    """Add patches, stages and the last norm of a Swin Transformer for images (C, H, W)."""
    geometry, heads = swin_geometry(shape, len(depths)), swin_heads(width, len(depths))
    for stage, (depth, grid) in enumerate(zip(depths, geometry.grids, strict=True)):
        dimensions = width * 2**stage
        if stage:
            size.norm(2 * dimensions)
            size.matrix(2 * dimensions, dimensions, grid[0] * grid[1])
        else:
            size.conv(shape[0], width, geometry.patch, grid[0] * grid[1], bias=True)
            size.norm(width)
        for _ in range(depth):
            add_block(size, dimensions, heads[stage], grid, geometry.window)
    size.norm(width * 2 ** (len(depths) - 1))


def add_block(size: Size, dimensions: int, heads: int, grid: tuple[int, int], window: int) -> None:
    """Add a Swin block: attention within windows, and an MLP."""
    high, wide = min(window, grid[0]), min(window, grid[1])
    area, pixels = high * wide, grid[0] * grid[1]
    padded = ceil(grid[0] / high) * ceil(grid[1] / wide) * area
    attended = dimensions // heads * heads
    size.norm(dimensions)
    size.matrix(dimensions, 3 * attended, padded, bias=True)
    size.parameters += (2 * high - 1) * (2 * wide - 1) * heads  # relative positions
    size.macs += 2 * padded * area * attended
    size.matrix(attended, dimensions, padded, bias=True)
    size.norm(dimensions)
    size.matrix(dimensions, 4 * dimensions, pixels, bias=True)
    size.matrix(4 * dimensions, dimensions, pixels, bias=True)
