"""The words that a comparison may end with."""

from __future__ import annotations

from enum import StrEnum

from trainables.contract import Direction


class Verdict(StrEnum):
    """What the interval of the paired difference says; nothing else decides, but whether there was anything to see."""

    HELPS = "helps"
    HURTS = "hurts"
    NO_DIFFERENCE = "no difference shown"
    EQUIVALENT = "equivalent"
    UNSETTLED = "unsettled"
    NOT_INFORMATIVE = "not informative"
    """Every arm is about as good as guessing, so whatever is between them is noise."""
    FAILS = "fails"
    """The method collapsed or diverged with every seed, where the baseline's did not: there is nothing to compare."""


SETTLED = frozenset({Verdict.HELPS, Verdict.HURTS, Verdict.EQUIVALENT})
"""What further seeds are not needed for."""


def decide(low: float, high: float, direction: Direction, equivalence: float | None = None) -> Verdict:
    """The verdict of an interval of (arm - baseline).

    Wholly within ±equivalence it is `equivalent`, even where it leaves out zero: the study has declared differences of
    that size to be of no practical weight. Otherwise it `helps` or `hurts` where it leaves out zero. Where it does
    not, and reaches beyond a declared margin, it is `unsettled`: the study named what would be an answer, and the
    interval allows for both. Without a margin `no difference shown` is all that can be said.
    """
    if equivalence is not None and -equivalence <= low and high <= equivalence:
        return Verdict.EQUIVALENT
    if low <= 0 <= high:
        return Verdict.NO_DIFFERENCE if equivalence is None else Verdict.UNSETTLED
    better = low > 0 if direction == "maximize" else high < 0
    return Verdict.HELPS if better else Verdict.HURTS
