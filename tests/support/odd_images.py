"""Unusual images: transparent ink, palettes, and PNGs with depths that Pillow does not write."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image

INK = np.zeros((4, 6), dtype=bool)
INK[1:3, 2] = True
"""Where the ink is in these images."""


def encoded(image: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def alpha(mode: str = "RGBA") -> Image.Image:
    """Black ink on transparency, as drawing programs save it: everything is black, and only alpha differs."""
    return Image.merge("LA", (Image.new("L", (6, 4)), Image.fromarray(np.where(INK, 255, 0).astype(np.uint8)))).convert(
        mode
    )


def palette(transparency: int | bytes) -> bytes:
    image = Image.fromarray(INK.astype(np.uint8))
    image = image.convert("P")
    image.putpalette([0, 0, 0, 0, 0, 0])
    return encoded(image, transparency=transparency)


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def raw_png(pixels: np.ndarray[Any, Any], depth: int, colour: int, key: bytes = b"") -> bytes:
    """A PNG of these rows of bytes, with a depth and colour type that Pillow doesn't write."""
    height, width = 4, 6
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    transparent = chunk(b"tRNS", key) if key else b""
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + transparent
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def four_bits() -> bytes:
    """Ink 0 on a transparent 15, four bits a pixel."""
    values = np.where(INK, 0, 15).astype(np.uint8)
    return raw_png(values[:, ::2] << 4 | values[:, 1::2], 4, 0, struct.pack(">H", 15))
