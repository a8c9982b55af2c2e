"""Cut large images, and their masks, into tiles without overlap; a mask says which of them are damaged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image

from trainables.datasets.errors import DataError
from trainables.datasets.sources import Contents

DAMAGED = 127
"""A mask's values above it are damage; of those below, 0 is none, and any other a region to be ignored."""
DAMAGED_SHARE = 0.01
"""The least share of a tile's pixels that must be damage for the tile to be damaged."""
UNDAMAGED_NAMES = ("undamaged", "damaged")
"""S1's names of the classes, for tiles of own images with masks."""


@dataclass(frozen=True)
class Piece:
    """An image before it is resized: a tile, or a whole image."""

    image: Image.Image
    mask: Image.Image | None
    label: int


def for_tiles(contents: Contents) -> Contents:
    """The same contents with the classes that the masks of own images define: undamaged and damaged."""
    if not contents.masked or contents.undamaged_first:
        return contents
    import torch

    labels = {split: torch.ones_like(of_split) for split, of_split in contents.labels.items()}
    return replace(contents, classes=UNDAMAGED_NAMES, labels=labels)


def cut(image: Image.Image, mask: Image.Image | None, label: int, tile: int, where: str) -> Iterator[Piece]:
    """The tiles of an image, row by row; the remainder at its right and lower edge is dropped.

    Without a mask each has the image's `label`. With one, a tile has it if at least `DAMAGED_SHARE` of its mask is
    damage, 0 if its mask is 0 everywhere, and is left out otherwise. Raises `DataError` for too small an image.
    """
    if image.width < tile or image.height < tile:
        raise DataError(
            f"{where} has {image.height}×{image.width} pixels, too few for tiles of {tile}×{tile}; "
            f"`tile: {min(image.width, image.height)}` is the largest that fits"
        )
    for top in range(0, image.height - tile + 1, tile):
        for left in range(0, image.width - tile + 1, tile):
            box = (left, top, left + tile, top + tile)
            of = None if mask is None else mask.crop(box)
            tile_label = label if of is None else label_of(np.asarray(of), label)
            if tile_label is not None:
                yield Piece(image.crop(box), of, tile_label)


def label_of(mask: np.ndarray[Any, Any], label: int) -> int | None:
    """The label of a tile with this mask (H, W) uint8 in an image of `label`; None if it is unknown."""
    if (mask > DAMAGED).mean() >= DAMAGED_SHARE:
        return label
    return None if mask.any() else 0


def no_damage(mask: Image.Image) -> bool:
    """Whether a mask shows no damage at all."""
    return not bool((np.asarray(mask) > DAMAGED).any())
