"""Corruptions by weather; images are (B, C, H, W) in [0, 1]. `scale` multiplies what is given in pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trainables.datasets.corruptions.draws import Draws, Floats
from trainables.datasets.corruptions.filters import clouds, moved, zoomed

LUMA = (0.299, 0.587, 0.114)
VEINS = 2.0
"""How fast the structure of drawn ice fades towards small scales."""
DARKEST_ICE = 0.3


def snow(images: Floats, level: Sequence[float], draws: Draws, scale: float) -> Floats:
    """Flakes drawn out by their fall, over an image that is paler by their light."""
    mean, deviation, zoom, threshold, radius, sigma, share = level
    layer = zoomed(mean + deviation * draws.normal(1, *images.shape[2:]), zoom)
    layer = np.clip(np.where(layer < threshold, 0, layer), 0, 1)
    layer = moved(layer, radius * scale, sigma * scale, draws.uniform(-135, -45))
    pale = np.maximum(images, 1.5 * _grey(images) + 0.5)
    return share * images + (1 - share) * pale + layer + layer[:, :, ::-1, ::-1]


def drawn_frost(images: Floats, level: Sequence[float], draws: Draws, scale: float) -> Floats:
    """Ice over the image by the weights of frost; the ice is drawn: bright veins where a plasma crosses its middle."""
    veins = 1 - np.abs(2 * clouds(draws, *_size(images), VEINS) - 1)
    result: Floats = level[0] * images + level[1] * (DARKEST_ICE + (1 - DARKEST_ICE) * veins)
    return result


def fog(images: Floats, level: Sequence[float], draws: Draws, scale: float) -> Floats:
    """Plasma added, and the sum brought back to the image's own maximum."""
    brightest = images.max((1, 2, 3), keepdims=True)
    foggy = images + level[0] * clouds(draws, *_size(images), level[1])
    result: Floats = foggy * brightest / (brightest + level[0])
    return result


def brightness(images: Floats, level: float, draws: Draws, scale: float) -> Floats:
    """The value of hue, saturation and value raised; of grey images the grey value."""
    value = images.max(1, keepdims=True)
    raised = np.clip(value + level, 0, 1)
    result: Floats = np.where(value > 0, images * raised / np.where(value > 0, value, 1), raised)
    return result


def _size(images: Floats) -> tuple[int, int]:
    return images.shape[2], images.shape[3]


def _grey(images: Floats) -> Floats:
    return images if images.shape[1] == 1 else np.einsum("bchw,c->bhw", images, np.array(LUMA))[:, None]
