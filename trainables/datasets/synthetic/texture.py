"""Concrete: noise of several scales, lit from one side, with grains. Fields are (S, S) float64."""

from __future__ import annotations

from typing import Any

import numpy as np

Field = np.ndarray[Any, np.dtype[np.float64]]
Random = np.random.Generator

CELLS = (2, 4, 8, 16)
"""How many cells of noise a side has at each scale of the waves."""


def noise(random: Random, side: int, cells: float) -> Field:
    """Smooth noise of standard deviation about 1, `cells` of it to a side, with a random offset of its grid."""
    knots = int(np.ceil(cells)) + 4
    across, down = (_weights(side, cells, knots, offset) for offset in random.random(2))
    return across @ random.standard_normal((knots, knots)) @ down.T


def _weights(side: int, cells: float, knots: int, offset: float) -> Field:
    """The weight of each knot at each pixel, (S, knots): cubic B-splines, scaled to keep the variance."""
    position = (np.arange(side) + 0.5) / side * cells + 1 + offset
    distance = np.abs(position[:, None] - np.arange(knots))
    near, far = (4 - 6 * distance**2 + 3 * distance**3) / 6, (2 - distance).clip(0) ** 3 / 6
    spline = np.where(distance < 1, near, far)
    return np.asarray(spline / np.sqrt((spline**2).sum(1, keepdims=True)))


def smooth(field: Field) -> Field:
    """The field with every pixel averaged with its eight neighbours, weighted 1 2 1."""
    padded = np.pad(field, 1, mode="edge")
    rows = padded[:-2] + 2 * padded[1:-1] + padded[2:]
    return np.asarray((rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]) / 16)


def concrete(random: Random, side: int) -> Field:
    """Grey levels of an undamaged surface, about 60 to 210: waves, stones lit from a side, grains and grit."""
    level = random.uniform(95, 180)
    falling = random.uniform(0.5, 0.9)  # how much weaker each finer scale is
    waves = sum(falling**index * noise(random, side, cells) for index, cells in enumerate(CELLS))
    stones = noise(random, side, side / random.uniform(2.0, 5.0))
    stones = np.maximum(stones, random.uniform(-1.5, 0.3))  # flat mortar between them
    angle = random.uniform(0, 2 * np.pi)
    down, right = np.gradient(stones + random.uniform(0.2, 0.6) * random.standard_normal((side, side)))
    shading = np.cos(angle) * down + np.sin(angle) * right
    grains = random.standard_normal((side, side)) * (random.random((side, side)) < random.uniform(0.02, 0.15))
    return np.asarray(
        level
        + random.uniform(1.5, 5) * _standard(waves)
        + random.uniform(2, 7) * _standard(stones)
        + random.uniform(4, 12) * _standard(shading)
        + random.uniform(15, 60) * smooth(grains)
        + random.uniform(1, 5) * random.standard_normal((side, side))
    )


def _standard(field: Any) -> Field:
    return np.asarray(field / np.std(field))


def light(random: Random, side: int) -> Field:
    """Factors by which the light falls off across the surface."""
    y, x = (np.mgrid[:side, :side] + 0.5) / side - 0.5
    angle = random.uniform(0, 2 * np.pi)
    return np.asarray(1 + random.uniform(0, 0.3) * (np.cos(angle) * y + np.sin(angle) * x))
