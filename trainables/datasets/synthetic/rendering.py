"""An image of concrete, cracked or not, from its number alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from trainables.datasets.synthetic.cracks import crack
from trainables.datasets.synthetic.distractors import distractors
from trainables.datasets.synthetic.texture import concrete, light, smooth

VERSION = 2
"""Raise it whenever the drawn images change."""
SEED = 20261121
SIDE = 64
SPLIT_NUMBERS = {"train": 0, "test": 1}

Pixels = np.ndarray[Any, np.dtype[np.uint8]]


@dataclass(frozen=True)
class Difficulty:
    """Parameters that make cracks hard to see."""

    clutter: float
    """The amount of distractors; 1: about as many as on photographs."""
    contrast: tuple[float, float]
    """The range of a crack's depth, in standard deviations of the surface's own roughness."""
    width: tuple[float, float]
    """The range of a trunk's width, in pixels."""


DIFFICULTIES = {
    "synthetic_cracks": Difficulty(clutter=0.15, contrast=(5.0, 9.0), width=(3.0, 5.0)),
    "synthetic_cracks_cluttered": Difficulty(clutter=1.0, contrast=(3.2, 7.5), width=(2.2, 4.8)),
}
"""By dataset."""


def render(dataset: str, split: str, number: int) -> tuple[Pixels, Pixels, int]:
    """Image (64, 64), mask (64, 64) of 0 and 255, and label of image `number` of a split; odd ones are cracked.

    Each image has its own random numbers, so that it doesn't depend on which others are drawn.
    """
    difficulty = DIFFICULTIES[dataset]
    random = np.random.default_rng([SEED, SPLIT_NUMBERS[split], number])
    label = number % 2
    surface = concrete(random, SIDE)
    spread = float(np.std(surface)) / float(np.mean(surface))
    factors = light(random, SIDE) * distractors(random, SIDE, difficulty.clutter)
    mask = np.zeros((SIDE, SIDE), np.uint8)
    if label:
        tile = crack(random, SIDE, difficulty.width)
        deepest = min(0.85, max(0.38, random.uniform(*difficulty.contrast) * spread))
        factors = factors * (1 - deepest * tile.depth * tile.coverage).clip(0.05)
        lit = np.roll(tile.coverage, random.integers(-1, 2, 2), axis=(0, 1))
        factors = factors + random.uniform(0, 0.15) * (lit - tile.coverage).clip(0)
        mask[tile.mask] = 255
    image = surface * factors
    if random.random() < 0.3:  # a camera a little out of focus
        image = smooth(image)
    return image.round().clip(0, 255).astype(np.uint8), mask, label
