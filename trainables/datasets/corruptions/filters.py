"""Parts of several corruptions: blurs, zooms and fractal clouds, of batches (B, C, H, W) in [0, 1]."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage

from trainables.datasets.corruptions.draws import Draws, Floats

SUPERSAMPLED = 16
"""Points a side with which the part of a pixel inside a disk is counted."""


def blurred(images: Floats, sigma: float) -> Floats:
    """A Gaussian blur of every channel, (B, C, H, W), edges repeated; `sigma` in pixels."""
    return images if sigma == 0 else ndimage.gaussian_filter(images, (0, 0, sigma, sigma), mode="nearest", truncate=4)


def disk_kernel(radius: float, edge: float, scale: float = 1.0) -> Floats:
    """The kernel of a lens out of focus, (k, k): a disk softened by a 3×3 Gaussian of deviation `edge`, sum 1.

    At scale 1 the disk has the pixels whose centres are within `radius`; at others, that disk's area grows with the
    square of the scale, and pixels count by the part that it covers.
    """
    reach = 8 if radius * scale <= 8 else math.ceil(radius * scale) + 1
    offsets = np.arange(-reach, reach + 1)
    inside = (offsets[:, None] ** 2 + offsets[None, :] ** 2 <= radius**2).astype(np.float64)
    if scale != 1:
        inside = _covered(offsets, scale * math.sqrt(inside.sum() / math.pi))
    weights = np.exp(-0.5 * (np.array([-1, 0, 1]) / (edge * scale)) ** 2)
    softened = ndimage.convolve(inside / inside.sum(), np.outer(weights, weights) / weights.sum() ** 2, mode="constant")
    kernel: Floats = softened / softened.sum()
    return kernel


def _covered(offsets: np.ndarray, radius: float) -> Floats:
    """Which part of each pixel a disk around the middle covers."""
    within = (np.arange(SUPERSAMPLED) + 0.5) / SUPERSAMPLED - 0.5
    fine = (offsets[:, None] + within).ravel()
    inside = fine[:, None] ** 2 + fine[None, :] ** 2 <= radius**2
    side = len(offsets)
    shares: Floats = inside.reshape(side, SUPERSAMPLED, side, SUPERSAMPLED).mean((1, 3))
    return shares


def moved(images: Floats, radius: float, sigma: float, degrees: Floats) -> Floats:
    """A blur in a separate direction for each image, as ImageMagick's motion blur.

    `degrees` (B,). The kernel is one half of a Gaussian of 2⌈radius⌉ + 1 taps, each at the nearest pixel; edges repeat.
    """
    taps = np.arange(2 * math.ceil(radius) + 1)
    weights = np.exp(-0.5 * (taps / sigma) ** 2)
    weights /= weights.sum()
    angles = np.deg2rad(degrees)
    right = np.ceil(taps * np.cos(angles)[:, None] - 0.5).astype(int)
    down = np.ceil(taps * np.sin(angles)[:, None] - 0.5).astype(int)
    count, _, height, width = images.shape
    each = np.arange(count)[:, None, None]
    result = np.zeros_like(images)
    for tap, weight in enumerate(weights):
        rows = np.clip(np.arange(height) + down[:, tap, None], 0, height - 1)
        columns = np.clip(np.arange(width) + right[:, tap, None], 0, width - 1)
        shifted = images[each, :, rows[:, :, None], columns[:, None, :]]
        result += weight * np.moveaxis(shifted, -1, 1)
    return result


def zoomed(images: Floats, factor: float) -> Floats:
    """The middle of every image enlarged to the whole, (B, C, H, W), bilinear."""
    if factor == 1:
        return images
    height, width = images.shape[2:]
    rows, columns = math.ceil(height / factor), math.ceil(width / factor)
    top, left = (height - rows) // 2, (width - columns) // 2
    middle = images[:, :, top : top + rows, left : left + columns]
    size = (round(rows * factor), round(columns * factor))
    # as scipy.ndimage.zoom of order 1, in a twentieth of its time
    large = F.interpolate(torch.from_numpy(middle.copy()), size, mode="bilinear", align_corners=True).numpy()
    top, left = (large.shape[2] - height) // 2, (large.shape[3] - width) // 2
    return large[:, :, top : top + height, left : left + width]


def clouds(draws: Draws, height: int, width: int, decay: float) -> Floats:
    """Plasma by the diamond-square algorithm, (B, 1, H, W) from 0 to 1; structure fades by `decay` an octave."""
    size = 1 << (max(height, width) - 1).bit_length()
    count = len(draws.generators)
    field = np.zeros((count, size, size))
    step, wobble = size, 100.0

    def mean_and_noise(summed: Floats) -> Floats:
        return summed / 4 + wobble * draws.uniform(-wobble, wobble, *summed.shape[1:])

    while step >= 2:
        half = step // 2
        corners = field[:, ::step, ::step]
        summed = corners + np.roll(corners, -1, 1)
        field[:, half::step, half::step] = mean_and_noise(summed + np.roll(summed, -1, 2))
        middles, corners = field[:, half::step, half::step], field[:, ::step, ::step]
        across = middles + np.roll(middles, 1, 1) + corners + np.roll(corners, -1, 2)
        field[:, ::step, half::step] = mean_and_noise(across)
        down = middles + np.roll(middles, 1, 2) + corners + np.roll(corners, -1, 1)
        field[:, half::step, ::step] = mean_and_noise(down)
        step, wobble = half, wobble / decay
    field -= field.min((1, 2), keepdims=True)
    field /= field.max((1, 2), keepdims=True)
    return field[:, None, :height, :width]
