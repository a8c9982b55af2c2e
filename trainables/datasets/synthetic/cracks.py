"""Cracks: random walks with branches, whose width and depth change on the way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trainables.datasets.synthetic.texture import Field, Random

STEP = 0.7
"""Pixels between two points of a crack."""
LEAST_SHARE = 0.03
"""The least share of an image that its crack covers: above the share that makes a tile damaged."""
BRANCHED = 0.4
AT_ONCE = 16
"""Points whose distances to the pixels around them are computed together."""


@dataclass(frozen=True)
class Walk:
    """Points (P, 2) as (y, x), and at each the width in pixels and the heading."""

    points: Field
    widths: Field
    headings: Field


@dataclass(frozen=True)
class Crack:
    """The part of each pixel that is crack, (S, S) in [0, 1], and its depth there, in [0, 1]."""

    coverage: Field
    depth: Field

    @property
    def mask(self) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """Pixels that are mostly crack."""
        return np.asarray(self.coverage >= 0.5)


def crack(random: Random, side: int, width: tuple[float, float]) -> Crack:
    """A crack with up to three branches, its trunk `width` pixels wide.

    It covers at least `LEAST_SHARE` of the image; others are drawn again.
    """
    while True:
        trunk = _trunk(random, side, width)
        walks = [trunk]
        if random.random() < BRANCHED and len(trunk.points) > 10:
            walks += [_branch(random, side, trunk) for _ in range(random.integers(1, 4))]
        drawn = _draw(random, side, walks)
        if drawn.mask.mean() >= LEAST_SHARE:
            return drawn


def _trunk(random: Random, side: int, width: tuple[float, float]) -> Walk:
    """A trunk from an edge inwards, or from somewhere within; most go through to another edge."""
    if random.random() < 0.75:
        edge, along = random.integers(4), random.uniform(0.1, 0.9) * side
        start = [(0.0, along), (side, along), (along, 0.0), (along, side)][edge]
        inwards = [0.0, np.pi, np.pi / 2, -np.pi / 2][edge]
        heading = inwards + random.uniform(-0.9, 0.9)
    else:
        start, heading = tuple(random.uniform(0.2 * side, 0.8 * side, 2)), random.uniform(0, 2 * np.pi)
    longest = random.uniform(0.5, 1.0) * side if random.random() < 0.3 else 2.0 * side
    return _walk(random, side, np.array(start), heading, longest, random.uniform(*width))


def _branch(random: Random, side: int, trunk: Walk) -> Walk:
    """A thinner crack that branches off another one."""
    at = random.integers(2, len(trunk.points) - 2)
    turned = random.choice([-1, 1]) * random.uniform(0.5, 1.3)
    width = max(1.5, trunk.widths[at] * random.uniform(0.4, 0.8))
    longest = random.uniform(0.15, 0.8) * side
    return _walk(random, side, trunk.points[at], trunk.headings[at] + turned, longest, width)


def _walk(random: Random, side: int, start: Field, heading: float, longest: float, width: float) -> Walk:
    """A walk that wanders slowly, jags quickly and ends at an edge or tapers out; heading 0 goes down."""
    count = max(4, int(longest / STEP))
    wander = np.cumsum(random.normal(0, random.uniform(0.02, 0.09), count))
    # jags of a few pixels each, as a crack goes around grains
    lasting = random.integers(2, 7)
    jags = np.repeat(random.normal(0, random.uniform(0.25, 0.75), count // lasting + 1), lasting)[:count]
    headings = heading + wander + jags
    moves = STEP * np.stack([np.cos(headings), np.sin(headings)], axis=1)
    points = start + np.cumsum(moves, axis=0)
    outside = np.flatnonzero(((points < -3) | (points > side + 3)).any(1))
    end = outside[0] if len(outside) else count
    varied = width * np.exp(np.cumsum(random.normal(0, 0.06, count)).clip(-0.7, 0.5))
    if not len(outside):
        varied *= np.minimum(1, (count - np.arange(count)) / (0.3 * count)) ** 0.7
    return Walk(points[:end], varied[:end].clip(0.6, 6), headings[:end])


def _draw(random: Random, side: int, walks: list[Walk]) -> Crack:
    points, widths = (np.concatenate([getattr(walk, name) for walk in walks]) for name in ("points", "widths"))
    depths = np.concatenate(
        [(1 + np.cumsum(random.normal(0, 0.04, len(walk.points)))).clip(0.55, 1.1) for walk in walks]
    )
    coverage, depth = np.zeros((side, side)), np.zeros((side, side))
    for first in range(0, len(points), AT_ONCE):
        some = slice(first, first + AT_ONCE)
        reach = widths[some].max() / 2 + 1
        low = np.floor(points[some].min(0) - reach).astype(int).clip(0, side)
        high = np.ceil(points[some].max(0) + reach).astype(int).clip(0, side)
        rows, columns = (slice(*ends) for ends in zip(low, high, strict=True))
        down = np.arange(low[0], high[0]) + 0.5 - points[some, :1]
        right = np.arange(low[1], high[1]) + 0.5 - points[some, 1:]
        distance = np.sqrt((down**2)[:, :, None] + (right**2)[:, None, :])
        covers = (0.5 + widths[some, None, None] / 2 - distance).clip(0, 1)
        coverage[rows, columns] = np.maximum(coverage[rows, columns], covers.max(0))
        depth[rows, columns] = np.maximum(depth[rows, columns], (covers * depths[some, None, None]).max(0))
    return Crack(coverage, depth)
