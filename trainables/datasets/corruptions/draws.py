"""Random numbers of corruptions: each image has its own, independent of the rest of its batch."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Draws:
    """Draws for a batch of images, a generator for each, seeded by its pixels and a purpose.

    The seed doesn't depend on the severity, so that all severities of an image have the same noise, weaker or stronger.
    """

    def __init__(self, images: NDArray[np.uint8], purpose: str) -> None:
        self.generators = [np.random.default_rng(_seed(image, purpose)) for image in images]

    def normal(self, *shape: int) -> Floats:
        """Standard normal values, (B, *shape)."""
        return self._stacked(lambda generator: generator.standard_normal(shape))

    def uniform(self, low: float, high: float, *shape: int) -> Floats:
        """Uniform values from `low` to `high`, (B, *shape)."""
        return self._stacked(lambda generator: generator.uniform(low, high, shape))

    def integers(self, low: int, high: int, *shape: int) -> NDArray[np.int64]:
        """Whole numbers from `low` to `high`, which is left out, (B, *shape)."""
        return np.stack([generator.integers(low, high, shape) for generator in self.generators])

    def poisson(self, rates: Floats) -> Floats:
        """Poisson counts of each image's rates, in the shape of `rates`, (B, …)."""
        pairs = zip(self.generators, rates, strict=True)
        return np.stack([generator.poisson(rate).astype(np.float64) for generator, rate in pairs])

    def _stacked(self, draw: Callable[[np.random.Generator], Any]) -> Floats:
        return np.stack([draw(generator) for generator in self.generators])


def _seed(image: NDArray[np.uint8], purpose: str) -> int:
    digest = hashlib.blake2b(np.ascontiguousarray(image).tobytes(), digest_size=8, person=purpose.encode()[:16])
    return int.from_bytes(digest.digest(), "big")
