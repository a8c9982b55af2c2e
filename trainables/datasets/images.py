"""Encoded images to uint8 pixels: grey stays grey, and errors name the image."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from trainables.datasets.errors import DataError

GREY_MODES = ("1", "L", "LA", "I;16", "I;16B", "I")


def decode(source: bytes, where: str) -> Image.Image:
    """The image as mode L (grey) or RGB; `where` names it in the `DataError` that a damaged one raises."""
    if not source:
        raise DataError(f"{where} is no image: it has no bytes")
    try:
        with Image.open(io.BytesIO(source)) as image:
            image.load()
            if image.mode.startswith("I"):  # 16-bit grey; Pillow's own conversion would clip it at 255
                return Image.fromarray((np.asarray(image).astype(np.float64) / 257).clip(0, 255).astype(np.uint8))
            return image.convert("L" if image.mode in GREY_MODES else "RGB")
    except UnidentifiedImageError:
        raise DataError(f"{where} is no image, or of a format that isn't read (PNG and JPEG are)") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"{where} is damaged: {error}") from None


def from_pixels(pixels: np.ndarray[Any, Any]) -> Image.Image:
    """The image that pixels (H, W) or (H, W, 3) uint8 are."""
    return Image.fromarray(np.ascontiguousarray(pixels))


def resize(image: Image.Image, size: tuple[int, int] | None) -> Image.Image:
    """The image at `size` (H, W), bilinear; as it is without one."""
    return image if size is None else image.resize((size[1], size[0]), Image.Resampling.BILINEAR)


def decode_mask(source: bytes | np.ndarray[Any, Any], where: str, image: Image.Image) -> Image.Image:
    """The mask of `image` as mode L; raises `DataError` where its size isn't the image's."""
    mask = (decode(source, f"{where}, mask") if isinstance(source, bytes) else from_pixels(source)).convert("L")
    if mask.size != image.size:
        raise DataError(
            f"{where} has a mask of {mask.height}×{mask.width} pixels on an image of {image.height}×{image.width}"
        )
    return mask


def resize_mask(mask: Image.Image, size: tuple[int, int] | None) -> Image.Image:
    """The mask at `size` (H, W), of the nearest pixels, because a mask's values are names, not amounts."""
    return mask if size is None else mask.resize((size[1], size[0]), Image.Resampling.NEAREST)
