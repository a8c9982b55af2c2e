"""Corruptions by blur; images are (B, C, H, W) in [0, 1]. `scale` multiplies what is given in pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from trainables.datasets.corruptions.draws import Draws, Floats
from trainables.datasets.corruptions.filters import blurred, disk_kernel, moved, zoomed


def defocus_blur(images: Floats, level: Sequence[float], draws: Draws, scale: float) -> Floats:
    """A disk-shaped blur."""
    kernel = disk_kernel(level[0], level[1], scale)
    result: Floats = ndimage.convolve(images, kernel[None, None], mode="mirror")
    return result


def glass_blur(images: Floats, level: Sequence[float], draws: Draws, scale: float) -> Floats:
    """Every pixel takes the value of a nearby one, in several rounds, between two Gaussian blurs.

    The authors' code intends to swap the two; in its arrays of colours both get the same value, as here.
    """
    sigma, reach, rounds = level[0] * scale, max(1, round(level[1] * scale)), int(level[2])
    result = np.floor(255 * blurred(images, sigma)) / 255
    count, _, height, width = result.shape
    rows, columns = np.mgrid[reach + 1 : height - reach + 1, reach + 1 : width - reach + 1]
    rows, columns = np.minimum(rows, height - 1), np.minimum(columns, width - 1)
    each = np.arange(count)[:, None, None]
    shifts = draws.integers(-reach, reach, rounds, *rows.shape, 2)
    for turn in range(rounds):
        near = (
            np.clip(rows + shifts[:, turn, ..., 1], 0, height - 1),
            np.clip(columns + shifts[:, turn, ..., 0], 0, width - 1),
        )
        result[:, :, rows, columns] = np.moveaxis(result[each, :, near[0], near[1]], -1, 1)
    return blurred(result, sigma)


def motion_blur(images: Floats, level: Sequence[float], draws: Draws, scale: float) -> Floats:
    """A blur along one direction, up to 45° from the horizontal."""
    return moved(images, level[0] * scale, level[1] * scale, draws.uniform(-45, 45))


def zoom_blur(images: Floats, level: Sequence[float], draws: Draws, scale: float) -> Floats:
    """The mean of the image and of its middle enlarged by every factor of `level`."""
    return (images + sum(zoomed(images, factor) for factor in level)) / (len(level) + 1)
