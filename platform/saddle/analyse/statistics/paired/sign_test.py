"""The sign test of differences that have no spread, which no t test can judge, and the interval that belongs to it."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class SignTest:
    """`n` differences, all of them `mean`: the exact two-sided sign test (Dixon & Mood, 1946, JASA 41).

    If their median were zero, or beyond a margin that contains all of them, all n would fall on one side of it with a
    probability of at most 2^(1-n), for any distribution. It may be looked at after any number of differences: if more
    of them are equal, the first ones were, too, so all looks together err as often as the first that can reject.
    """

    mean: float
    n: int

    @property
    def p(self) -> float:
        """1 if they are zero."""
        return 1.0 if self.mean == 0 else 2.0 ** (1 - self.n)

    def interval(self, alpha: float) -> tuple[float, float]:
        """From the least to the largest difference, which covers the median in all but 2^(1-n); else unbounded.

        (Order statistics: Thompson, 1936, Annals of Mathematical Statistics 7.)
        """
        return (self.mean, self.mean) if 2.0 ** (1 - self.n) <= alpha else (-math.inf, math.inf)
