"""Images of one shape each on a noisy ground, with an adjustable contrast to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from trainables.datasets.synthetic.texture import Field

VERSION = 1
"""Raise it whenever the drawn images change."""
SEED = 20261129
SIDE = 16
SPLIT_NUMBERS = {"train": 0, "test": 1}
DEPTH = 0.4
"""How much brighter than the ground a shape is at separation 1."""
NOISE = 0.08
"""Standard deviation of the ground's pixels, and of its brightness over images."""
SHIFT = 1.5
"""Pixels that a shape is off the centre at most, along either axis."""
LINE = 0.3
"""Half the width of bars and outlines, as a share of a shape's radius."""

Pixels = np.ndarray[Any, np.dtype[np.uint8]]


def _box(down: Field, right: Field) -> Field:
    return np.maximum(abs(down), abs(right)) - 0.9


def _disc(down: Field, right: Field) -> Field:
    return np.hypot(down, right) - 1


def _triangle(down: Field, right: Field) -> Field:
    return np.maximum(down - 0.8, abs(right) - (down + 1) * 0.6)


def _bar(down: Field, right: Field) -> Field:
    return np.maximum(abs(down) - LINE, abs(right) - 1)


def _cross(down: Field, right: Field) -> Field:
    return np.minimum(_bar(down, right), _bar(right, down))


def _outline(of: Callable[[Field, Field], Field]) -> Callable[[Field, Field], Field]:
    return lambda down, right: abs(of(down, right) + LINE) - LINE


EDGES: dict[str, Callable[[Field, Field], Field]] = {
    "bar": _bar,
    "cross": _cross,
    "disc": _disc,
    "frame": _outline(_box),
    "pillar": lambda down, right: _bar(right, down),
    "ring": _outline(_disc),
    "square": _box,
    "triangle": _triangle,
}
"""By class, how far points are outside the shape, in its radii; negative inside."""
CLASSES = tuple(EDGES)


def draw_shape(split: str, number: int, separation: float) -> Pixels:
    """Image `number` (16, 16) of a split, of class `number` modulo the count of classes.

    Its ground and its shape's place and size are the same at every `separation`, 0 to 1, the share of `DEPTH` by which
    the shape is brighter: images of one class differ equally at all of them, and classes get further apart.
    """
    random = np.random.default_rng([SEED, SPLIT_NUMBERS[split], number])
    ground = 0.35 + NOISE * (random.normal() + random.normal(size=(SIDE, SIDE)))
    down, right = SIDE / 2 + random.uniform(-SHIFT, SHIFT, 2)
    radius = SIDE * random.uniform(0.26, 0.34)
    rows, columns = np.mgrid[:SIDE, :SIDE] + 0.5
    outside = EDGES[CLASSES[number % len(CLASSES)]]((rows - down) / radius, (columns - right) / radius)
    covered = (0.5 - outside * radius).clip(0, 1)  # a pixel on the edge is partly covered
    image: Pixels = (255 * (ground + separation * DEPTH * covered)).round().clip(0, 255).astype(np.uint8)
    return image
