"""The five words a comparison may end with."""

from __future__ import annotations

from enum import StrEnum

from trainables.contract import Direction

FEWEST_SEEDS = 3
"""Complete pairs below which nothing is claimed."""


class Verdict(StrEnum):
    """What the interval of the paired difference says; nothing else decides."""

    HELPS = "helps"
    HURTS = "hurts"
    NO_DIFFERENCE = "no difference shown"
    EQUIVALENT = "equivalent"
    UNSETTLED = "unsettled"


def decide(low: float, high: float, direction: Direction, equivalence: float | None = None) -> Verdict:
    """The verdict of an interval of (arm - baseline).

    Wholly within ±equivalence it is `equivalent`, even where it leaves out zero: the study has declared differences of
    that size to be of no practical weight. Otherwise it `helps` or `hurts` where it leaves out zero.
    """
    if equivalence is not None and -equivalence <= low and high <= equivalence:
        return Verdict.EQUIVALENT
    if low <= 0 <= high:
        return Verdict.NO_DIFFERENCE
    better = low > 0 if direction == "maximize" else high < 0
    return Verdict.HELPS if better else Verdict.HURTS
