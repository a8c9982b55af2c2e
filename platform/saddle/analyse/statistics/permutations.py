"""Orders in which points can be permuted within their families: all of them, or a sample with a fixed seed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import permutations, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saddle.analyse.statistics.paired.paired_t import Floats

MOST_EXACT = math.factorial(7)
"""The most orders that are all used: one family of seven points, or several of fewer."""
SAMPLED = 9_999


@dataclass(frozen=True, eq=False)
class Orders:
    """Orders as indices (orders, k); `exact` if they are all that there are, the points' own included."""

    indices: NDArray[np.intp]
    exact: bool

    def p(self, permuted: Floats, observed: Any) -> Floats:
        """The share of statistics (orders, ...) that reach the observed (...,), which counts among sampled ones."""
        # one that ties with what was observed must count in spite of rounding
        hits = (permuted >= observed - 1e-9 * np.abs(observed)).sum(0)
        return np.asarray(hits / len(permuted) if self.exact else (hits + 1) / (len(permuted) + 1), dtype=float)

    def two_sided_p(self, permuted: Floats, observed: Any) -> Floats:
        """Twice the smaller share on either side: at least 2 of all orders, for any values."""
        smaller = np.minimum(self.p(permuted, observed), self.p(-permuted, -observed))
        return np.asarray(np.minimum(2 * smaller, 1.0), dtype=float)


def orders_within(families: Floats) -> Orders:
    """Orders of points that stay within their families, (families, k) of 0 and 1."""
    places = [np.flatnonzero(family) for family in families]
    if number_of_orders(families) <= MOST_EXACT:
        return Orders(_all(places, families.shape[1]), exact=True)
    generator = np.random.default_rng(0)
    indices = np.empty((SAMPLED, families.shape[1]), dtype=np.intp)
    for place in places:
        indices[:, place] = generator.permuted(np.tile(place, (SAMPLED, 1)), axis=1)
    return Orders(indices, exact=False)


def number_of_orders(families: Floats) -> int:
    """How many orders there are within families."""
    return math.prod(math.factorial(int(size)) for size in families.sum(1))


def _all(places: list[NDArray[np.intp]], points: int) -> NDArray[np.intp]:
    orders = [list(permutations(place)) for place in places]
    indices = np.empty((math.prod(map(len, orders)), points), dtype=np.intp)
    for row, chosen in enumerate(product(*orders)):
        for place, order in zip(places, chosen, strict=True):
            indices[row, place] = order
    return indices
