"""Dark things that are not cracks: stains, shadows, seams, scratches, pores. Both classes have them equally often."""

from __future__ import annotations

import numpy as np

from trainables.datasets.synthetic.texture import Field, Random, noise

STAIN, SHADOW, SEAM, SCRATCH, PORES = 0.6, 0.2, 0.08, 0.15, 0.65
"""The share of images that have each."""


def distractors(random: Random, side: int, clutter: float) -> Field:
    """Factors (S, S) by which the surface is lighter or darker; `clutter`: a factor for the shares."""
    field = np.ones((side, side))
    for share, draw in ((STAIN, stain), (SHADOW, shadow), (SEAM, seam), (SCRATCH, scratch), (PORES, pores)):
        if random.random() < clutter * share:
            field *= draw(random, side)
    return field


def stain(random: Random, side: int) -> Field:
    """A blot with ragged or soft edges, mostly dark."""
    blot = noise(random, side, random.uniform(1.5, 4)) + random.uniform(0, 0.5) * noise(random, side, side / 3)
    edge = random.uniform(0.1, 0.8)
    inside = ((blot - random.uniform(0.4, 1.4)) / edge).clip(0, 1)
    return np.asarray(1 + random.uniform(-0.6, 0.15) * inside)


def shadow(random: Random, side: int) -> Field:
    """The shadow of something straight."""
    return np.asarray(1 - random.uniform(0.15, 0.45) * (_across(random, side) / random.uniform(1, 8)).clip(0, 1))


def seam(random: Random, side: int) -> Field:
    """A straight joint of one width from edge to edge, sometimes with a light rim."""
    distance = _across(random, side)
    width = random.uniform(1.2, 4.5)
    joint = (0.5 + width / 2 - np.abs(distance)).clip(0, 1)
    rim = (0.5 + 1 - np.abs(distance - width / 2 - 1)).clip(0, 1)
    return np.asarray(1 - random.uniform(0.2, 0.6) * joint + random.uniform(0, 0.2) * rim)


def scratch(random: Random, side: int) -> Field:
    """Up to three light, thin, straight scratches that end somewhere."""
    field = np.ones((side, side))
    for _ in range(random.integers(1, 4)):
        along, across = _along(random, side)
        inside = (0.5 + random.uniform(0.4, 1.2) / 2 - np.abs(across)).clip(0, 1) * (
            np.abs(along) < random.uniform(0.1, 0.4) * side
        )
        field += random.uniform(0.05, 0.3) * inside
    return field


def pores(random: Random, side: int) -> Field:
    """Dark ragged holes, of which most are small."""
    field = np.ones((side, side))
    y, x = np.mgrid[:side, :side] + 0.5
    ragged = 0.7 * noise(random, side, side / 3)
    for _ in range(random.integers(2, 14)):
        centre, radius = random.uniform(0, side, 2), min(4.0, 0.6 + random.exponential(0.8))
        stretched = random.uniform(0.6, 1.6)
        distance = np.sqrt(((y - centre[0]) * stretched) ** 2 + ((x - centre[1]) / stretched) ** 2)
        field *= 1 - random.uniform(0.2, 0.7) * (0.5 + radius - distance + ragged * (radius / 2)).clip(0, 1)
    return field


def _along(random: Random, side: int) -> tuple[Field, Field]:
    """Each pixel's place along and across a random line through the image, in pixels."""
    y, x = np.mgrid[:side, :side] + 0.5
    angle, through = random.uniform(0, np.pi), random.uniform(0.1 * side, 0.9 * side, 2)
    down, right = y - through[0], x - through[1]
    return (
        np.asarray(np.cos(angle) * down + np.sin(angle) * right),
        np.asarray(np.sin(angle) * down - np.cos(angle) * right),
    )


def _across(random: Random, side: int) -> Field:
    return _along(random, side)[1]
