"""Corruptions by processing; images are (B, C, H, W) in [0, 1]."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from trainables.datasets.corruptions.draws import Draws, Floats


def contrast(images: Floats, level: float, draws: Draws, scale: float) -> Floats:
    """Distances to each channel's mean shrunk to the share `level`."""
    means = images.mean((2, 3), keepdims=True)
    result: Floats = (images - means) * level + means
    return result


def elastic_transform(images: Floats, level: Sequence[float], draws: Draws, scale: float) -> Floats:
    """Three corners moved at random, then smooth displacements."""
    height, width = images.shape[2:]
    size, smoothness, corner = (min(height, width) * share for share in level)
    moves = draws.uniform(-corner, corner, 3, 2) if corner else np.zeros((len(images), 3, 2))
    shifts = draws.uniform(-1, 1, 2, height, width)
    if smoothness:
        shifts = size * ndimage.gaussian_filter(shifts, (0, 0, smoothness, smoothness), mode="reflect", truncate=3)
    else:
        shifts = size * shifts
    return np.stack([_warped(*of_image) for of_image in zip(images, moves, shifts, strict=True)])


def pixelate(images: Floats, level: float, draws: Draws, scale: float) -> Floats:
    """Shrunk to the share `level` of its side and enlarged again, each pixel a box."""
    small = int(images.shape[3] * level), int(images.shape[2] * level)

    def shrunk(image: Image.Image) -> Image.Image:
        return image.resize(small, Image.Resampling.BOX).resize(image.size, Image.Resampling.BOX)

    return _through_pillow(images, shrunk)


def jpeg_compression(images: Floats, level: float, draws: Draws, scale: float) -> Floats:
    """JPEG of the quality `level`."""

    def compressed(image: Image.Image) -> Image.Image:
        stored = BytesIO()
        image.save(stored, "JPEG", quality=int(level))
        return Image.open(stored)

    return _through_pillow(images, compressed)


def _warped(image: Floats, moves: Floats, shifts: Floats) -> Floats:
    """An image (C, H, W) whose three corners, (3, 2) in x and y, have moved, displaced by (2, H, W) in x and y."""
    height, width = image.shape[1:]
    middle, third = np.array([width, height]) // 2, min(height, width) // 3
    corners = np.array([middle + third, [middle[0] + third, middle[1] - third], middle - third], dtype=np.float64)
    homogeneous = np.hstack([corners, np.ones((3, 1))])
    affine = np.linalg.solve(homogeneous, corners + moves).T  # (2, 3): where a point moves to
    linear = np.linalg.inv(affine[:, :2])
    y, x = np.mgrid[:height, :width].astype(np.float64)
    source = np.einsum("ij,jhw->ihw", linear, np.stack([x - affine[0, 2], y - affine[1, 2]]))
    straight = [ndimage.map_coordinates(channel, source[::-1], order=1, mode="mirror") for channel in image]
    places = [y + shifts[1], x + shifts[0]]
    return np.stack([ndimage.map_coordinates(channel, places, order=1, mode="reflect") for channel in straight])


def _through_pillow(images: Floats, change: Callable[[Image.Image], Image.Image]) -> Floats:
    stored = np.rint(255 * images).astype(np.uint8)
    if stored.shape[1] == 1:
        return np.stack([_pixels(change(Image.fromarray(image[0])))[None] for image in stored])
    return np.stack(
        [np.moveaxis(_pixels(change(Image.fromarray(np.moveaxis(image, 0, -1)))), -1, 0) for image in stored]
    )


def _pixels(image: Image.Image) -> NDArray[np.float64]:
    return np.asarray(image, dtype=np.float64) / 255
