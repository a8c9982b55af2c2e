"""Masks of images: their values are names, so they are neither composited, nor scaled, nor interpolated."""

from __future__ import annotations

import numpy as np
from PIL import Image

from trainables.datasets.decoding.images import ON_THE_SIDE, TURNS, Decoded, Pixels, from_pixels, opened, turned
from trainables.datasets.errors import DataError

STEP = 257
"""16-bit values that are multiples of it are 8-bit ones, widened."""


def decode_mask(source: bytes | Pixels, where: str, image: Decoded) -> Image.Image:
    """The mask of `image` as mode L, upright like the image.

    Raises `DataError` if its size isn't the image's, its values don't fit into 8 bits, or a transparent pixel has a
    value, so that their meaning is ambiguous.
    """
    mask, turn = _read(source, f"{where}, mask")
    stored = image.image.size[::-1] if image.turn in ON_THE_SIDE else image.image.size
    if image.turn != 1 and turn == 1 and mask.size == stored:
        if isinstance(source, bytes) and stored == image.image.size:
            raise DataError(
                f"{where} has an orientation, and its mask has none: the orientation of the mask is unknown; save the "
                "image upright, without an orientation"
            )
        mask = mask.transpose(TURNS[image.turn])
    if mask.size != image.image.size:
        raise DataError(
            f"{where} has a mask of {mask.height}×{mask.width} pixels on an image of "
            f"{image.image.height}×{image.image.width}"
        )
    return mask


def resize_mask(mask: Image.Image, size: tuple[int, int] | None) -> Image.Image:
    """The mask at `size` (H, W), of the nearest pixels, because a mask's values are names, not amounts."""
    return mask if size is None else mask.resize((size[1], size[0]), Image.Resampling.NEAREST)


def _read(source: bytes | Pixels, where: str) -> tuple[Image.Image, int]:
    if not isinstance(source, bytes):
        return from_pixels(source).convert("L"), 1
    with opened(source, where) as (image, _, turn):
        if image.mode in ("I", "F") or image.mode.startswith("I;16"):
            return turned(_narrowed(np.asarray(image), where), image, turn), turn
        if image.has_transparency_data:
            image_of = np.asarray(image.convert("RGBA"))
            if image_of[image_of[..., 3] < 255, :3].any():
                raise DataError(f"{where} has transparent pixels that have a value; save it as grey values alone")
            return turned(Image.fromarray(image_of[..., :3].copy()).convert("L"), image, turn), turn
        return turned((image if image.mode in ("1", "L") else image.convert("RGB")).convert("L"), image, turn), turn


def _narrowed(values: Pixels, where: str) -> Image.Image:
    """Deep values as 8-bit ones if they fit into 8 bits, or are 8-bit values that were widened."""
    whole = values.astype(np.int64)
    if (whole == values).all() and whole.min() >= 0:
        if whole.max() <= 255:
            return Image.fromarray(whole.astype(np.uint8))
        if whole.max() <= 255 * STEP and not (whole % STEP).any():
            return Image.fromarray((whole // STEP).astype(np.uint8))
    raise DataError(f"{where} has values from {values.min():g} to {values.max():g}; save it with 8 bits, 0 to 255")
