"""Which images a generator accepts, and its cost, without building it. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count, pairwise

from trainables.models.sizes import Size
from trainables.models.swin_sizes import DEPTHS, add_block, add_encoder, patch_side, swin_geometry, swin_heads

CODES = 512
"""Codes of vector quantisation."""

DECODER_DEPTH = 2
"""Swin blocks in each decoder block (Cao et al., 2022)."""


def unet_channels(width: int, levels: int) -> list[int]:
    """Channels at full size and after each downsampling: doubled, to eight times `width` at most (pix2pix)."""
    return [width * min(2**level, 8) for level in range(levels + 1)]


def last_block_channels(width: int, patch: int) -> list[int]:
    """Channels before and after each doubling of the size in a Swin UNet's last block."""
    return [width] + [max(1, width // 2)] * (patch // 2)


def dropout_blocks(levels: int) -> int:
    """How many of the innermost decoder blocks have dropout: three of eight, as in pix2pix, but never the last one.

    Three of four, dropping at half the images' size, keep a small generator from learning to which class to turn.
    """
    return min(max(1, round(3 * levels / 8)), levels - 1)


def unfit(kind: str, shape: Sequence[int], levels: int) -> str | None:
    """What is wrong with images (C, H, W) or levels, with the nearest valid ones, or None if nothing is wrong."""
    most = len(DEPTHS["swin_tiny"])
    if kind == "swin_unet" and not 2 <= levels <= most:
        return f"a swin_unet has 2 to {most} levels, not {levels}"
    if levels < 1:
        return f"a {kind} has at least 1 level, not {levels}"
    height, breadth = shape[1:]
    unit = _unit(kind, min(height, breadth), levels)
    if height % unit == 0 and breadth % unit == 0:
        return None
    near = "×".join(str(_nearest(kind, side, levels)) for side in (height, breadth))
    return (
        f"a {kind} of {levels} levels takes images whose sides are multiples of {unit} pixels, not {height}×{breadth}; "
        f"the nearest size that it takes is {near}"
    )


def generator_size(
    kind: str,
    shape: Sequence[int],
    *,
    width: int,
    levels: int,
    noise_channels: int,
    noise_dim: int,
    quantised: bool,
    upsampling: str,
) -> Size:
    """Multiply-adds of one image's forward pass, and parameters, for images (C, H, W)."""
    size = Size()
    build = _cnn_unet if kind == "cnn_unet" else _swin_unet
    blocks = build(size, shape, width, levels, noise_channels, noise_dim, quantised, upsampling)
    pixels = [height * breadth for _, (height, breadth) in blocks]
    channels = [block[0] for block in blocks]
    size.conv(channels[-1], shape[0], 3, pixels[-1], bias=True)
    for maps, places in zip(channels, pixels, strict=True):
        size.matrix(maps, 2 * maps, places, bias=True)
        size.matrix(maps, 1, places, bias=True)
        size.macs += maps * places  # the weighted sum
        size.linear(maps, maps)
    size.linear(sum(channels), 4 * channels[-1])
    size.linear(4 * channels[-1], 2)
    return size


Blocks = list[tuple[int, tuple[int, int]]]
"""Channels and (H, W) of decoder blocks, innermost first."""


def _cnn_unet(
    size: Size,
    shape: Sequence[int],
    width: int,
    levels: int,
    noise_channels: int,
    noise_dim: int,
    quantised: bool,
    upsampling: str,
) -> Blocks:
    channels = unet_channels(width, levels)
    grids = [(shape[1] >> level, shape[2] >> level) for level in range(levels + 1)]
    pixels = [height * breadth for height, breadth in grids]
    size.conv(shape[0], width, 3, pixels[0], bias=True)
    for level in range(levels):
        size.conv(channels[level], channels[level + 1], 4, pixels[level + 1])
        size.norm(channels[level + 1])
    if quantised:
        size.macs += CODES * channels[-1] * pixels[-1]
    for level in reversed(range(levels)):
        _upsample(size, upsampling if level == 0 else "transposed", channels[level + 1], channels[level], pixels[level])
        _noise(size, channels[level], pixels[level], noise_channels, noise_dim)
        size.conv(2 * channels[level], channels[level], 3, pixels[level])
        size.norm(channels[level])
    return [(channels[level], grids[level]) for level in reversed(range(levels))]


def _swin_unet(
    size: Size,
    shape: Sequence[int],
    width: int,
    levels: int,
    noise_channels: int,
    noise_dim: int,
    quantised: bool,
    upsampling: str,
) -> Blocks:
    geometry, heads = swin_geometry(shape, levels), swin_heads(width, levels)
    add_encoder(size, shape, width, DEPTHS["swin_tiny"][:levels])
    if quantised:
        size.macs += CODES * width * 2 ** (levels - 1) * geometry.grids[-1][0] * geometry.grids[-1][1]
    blocks: Blocks = []
    for stage in reversed(range(levels - 1)):
        channels, (height, breadth) = width * 2**stage, geometry.grids[stage]
        size.matrix(2 * channels, 4 * channels, height * breadth // 4)
        size.norm(channels)
        _noise(size, channels, height * breadth, noise_channels, noise_dim)
        size.matrix(2 * channels, channels, height * breadth, bias=True)
        for _ in range(DECODER_DEPTH):
            add_block(size, channels, heads[stage], (height, breadth), geometry.window)
        blocks.append((channels, (height, breadth)))
    last = last_block_channels(width, geometry.patch)
    pixels = geometry.grids[0][0] * geometry.grids[0][1]
    for before, after in pairwise(last):
        pixels *= 4
        _upsample(size, upsampling, before, after, pixels)
        size.norm(after)
    _noise(size, last[-1], pixels, noise_channels, noise_dim)
    return [*blocks, (last[-1], (shape[1], shape[2]))]


def _upsample(size: Size, upsampling: str, before: int, channels: int, pixels: int) -> None:
    if upsampling == "transposed":
        size.conv(before, channels, 4, pixels // 4)
    elif upsampling == "nearest":
        size.conv(before, channels, 3, pixels)
    else:
        size.conv(before, 4 * channels, 1, pixels // 4)


def _noise(size: Size, channels: int, pixels: int, noise_channels: int, noise_dim: int) -> None:
    if noise_channels:
        size.conv(noise_dim, noise_channels * pixels, 1, 1)
        size.matrix(channels, channels, pixels, bias=True)
        size.matrix(noise_channels, channels, pixels)


def _unit(kind: str, side: int, levels: int) -> int:
    unit: int = 2**levels if kind == "cnn_unet" else patch_side(side, side) * 2 ** (levels - 1)
    return unit


def _nearest(kind: str, side: int, levels: int) -> int:
    for distance in count():
        for candidate in (side - distance, side + distance):
            if candidate > 0 and candidate % _unit(kind, candidate, levels) == 0:
                return candidate
    raise AssertionError("multiples of every unit follow every number")
