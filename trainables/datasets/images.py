"""Encoded images into one uint8 tensor: grey stays grey, sizes must agree, and errors name the image."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from trainables.datasets.errors import DataError

GREY_MODES = ("1", "L", "LA", "I;16", "I;16B", "I")


def decode(source: Path | bytes, where: str) -> Image.Image:
    """The image as mode L (grey) or RGB; `where` names it in the `DataError` that a damaged one raises."""
    if source == b"":
        raise DataError(f"{where} has no bytes")
    try:
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as image:
            image.load()
            if image.mode.startswith("I"):  # 16-bit grey; Pillow's own conversion would clip it at 255
                return Image.fromarray((np.asarray(image).astype(np.float64) / 257).clip(0, 255).astype(np.uint8))
            return image.convert("L" if image.mode in GREY_MODES else "RGB")
    except UnidentifiedImageError:
        raise DataError(f"{where} is no image, or of a format that isn't read (PNG and JPEG are)") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"{where} is damaged: {error}") from None


def stack(images: Sequence[Image.Image], names: Sequence[str], size: tuple[int, int] | None) -> Tensor:
    """Images as (N, C, H, W) uint8, resized (bilinear) to `size` (H, W) if given; C is 1 when all are grey, else 3.

    Raises `DataError` naming the first image whose size differs from that of the first.
    """
    height, width = size or (images[0].height, images[0].width)
    mode = "L" if all(image.mode == "L" for image in images) else "RGB"
    pixels = np.empty((len(images), height, width, len(mode)), dtype=np.uint8)
    for index, (image, name) in enumerate(zip(images, names, strict=True)):
        fitting = image if size is None else image.resize((width, height), Image.Resampling.BILINEAR)
        if (fitting.height, fitting.width) != (height, width):
            raise DataError(
                f"{name} has {image.height}×{image.width} pixels, and {names[0]} {height}×{width}; "
                f"add `size: {min(height, width)}` (or `size: [height, width]`) to the dataset to resize all"
            )
        pixels[index] = np.asarray(fitting.convert(mode)).reshape(height, width, len(mode))
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()
