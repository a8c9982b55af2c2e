"""Corruptions by noise; images are (B, C, H, W) in [0, 1], and results may leave that range."""

from __future__ import annotations

import numpy as np

from trainables.datasets.corruptions.draws import Draws, Floats


def gaussian_noise(images: Floats, level: float, draws: Draws, scale: float) -> Floats:
    """Normal noise of deviation `level`."""
    return images + level * draws.normal(*images.shape[1:])


def shot_noise(images: Floats, level: float, draws: Draws, scale: float) -> Floats:
    """Poisson noise of so many photons per unit of brightness; black stays black."""
    return draws.poisson(images * level) / level


def impulse_noise(images: Floats, level: float, draws: Draws, scale: float) -> Floats:
    """A share of all values turns black or white with equal probability."""
    turned, white = draws.uniform(0, 1, *images.shape[1:]) < level, draws.uniform(0, 1, *images.shape[1:]) < 0.5
    return np.where(turned, white.astype(np.float64), images)
