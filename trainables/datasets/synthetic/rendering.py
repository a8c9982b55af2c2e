"""An image of concrete, cracked or not, from its number alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from trainables.datasets.synthetic.cracks import crack
from trainables.datasets.synthetic.distractors import distractors
from trainables.datasets.synthetic.texture import concrete, light, smooth

VERSION = 1
"""Raise it whenever other images are drawn."""
SEED = 20261121
SIDE = 64
SPLIT_NUMBERS = {"train": 0, "test": 1}

Pixels = np.ndarray[Any, np.dtype[np.uint8]]


def render(split: str, number: int) -> tuple[Pixels, Pixels, int]:
    """Image (64, 64), mask (64, 64) of 0 and 255, and label of image `number` of a split; odd ones are cracked.

    Each image has random numbers of its own, so that it doesn't depend on which others are drawn.
    """
    random = np.random.default_rng([SEED, SPLIT_NUMBERS[split], number])
    label = number % 2
    surface = concrete(random, SIDE)
    spread = float(np.std(surface)) / float(np.mean(surface))
    factors = light(random, SIDE) * distractors(random, SIDE)
    mask = np.zeros((SIDE, SIDE), np.uint8)
    if label:
        found = crack(random, SIDE)
        # seen against the surface's own roughness, from barely to clearly
        deepest = min(0.85, max(0.38, random.uniform(3.2, 7.5) * spread))
        factors = factors * (1 - deepest * found.depth * found.coverage).clip(0.05)
        lit = np.roll(found.coverage, random.integers(-1, 2, 2), axis=(0, 1))
        factors = factors + random.uniform(0, 0.15) * (lit - found.coverage).clip(0)
        mask[found.mask] = 255
    image = surface * factors
    if random.random() < 0.3:  # a camera a little out of focus
        image = smooth(image)
    return image.round().clip(0, 255).astype(np.uint8), mask, label
