"""Masks name regions: they are neither scaled nor composited, and lie as their images do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.support.odd_images import INK, encoded
from trainables.datasets import DataError
from trainables.datasets.decoding.images import Decoding, read
from trainables.datasets.decoding.masks import decode_mask


def mask_of(mask: Image.Image, image: Image.Image | None = None, orientation: int = 1, **options: Any) -> list[int]:
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = encoded(image or Image.new("L", (6, 4)), exif=exif)
    found = decode_mask(encoded(mask, **options), "row 0", read(stored, "row 0", Decoding()))
    return sorted(set(np.asarray(found).flatten().tolist()))


def test_masks_are_names_not_amounts() -> None:
    assert mask_of(Image.fromarray(INK)) == [0, 255]
    assert mask_of(Image.fromarray(INK * np.uint16(65535))) == [0, 255]
    assert mask_of(Image.fromarray(INK * np.uint16(255))) == [0, 255]
    assert mask_of(Image.fromarray(INK * np.uint8(64))) == [0, 64]
    assert mask_of(Image.new("RGBA", (6, 4), (255, 255, 255, 255))) == [255]
    assert mask_of(Image.new("LA", (6, 4), (0, 0))) == [0], "nothing is composited"
    with pytest.raises(DataError, match="row 0, mask has transparent pixels that have a value"):
        mask_of(Image.new("LA", (6, 4), (255, 10)))
    with pytest.raises(DataError, match="row 0, mask has values from 0 to 1000; save it with 8 bits"):
        mask_of(Image.fromarray(INK * np.uint16(1000)))


def test_a_mask_is_turned_along_with_its_image() -> None:
    """An image on its side: a mask of its stored size is turned, one of its upright size lies as it should."""
    marked = Image.new("L", (6, 4))
    marked.putpixel((0, 0), 255)
    exif = Image.Exif()
    exif[0x0112] = 6
    image = read(encoded(Image.new("L", (6, 4)), exif=exif), "x", Decoding())
    assert image.image.size == (4, 6)
    assert decode_mask(encoded(marked), "x", image).getpixel((3, 0)) == 255
    upright = Image.new("L", (4, 6))
    upright.putpixel((0, 0), 255)
    assert decode_mask(encoded(upright), "x", image).getpixel((0, 0)) == 255
    with pytest.raises(DataError, match="the orientation of the mask is unknown; save the image upright"):
        mask_of(marked, orientation=3)
