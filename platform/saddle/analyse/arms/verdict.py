"""The words that a comparison may end with."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from trainables.contract import Direction


class Verdict(StrEnum):
    """What the interval of the paired difference shows; only that decides, and whether there was anything to see."""

    HELPS = "helps"
    HURTS = "hurts"
    NO_DIFFERENCE = "no difference shown"
    EQUIVALENT = "equivalent"
    UNSETTLED = "unsettled"
    BETTER_WHERE_IT_WORKS = "better where it works"
    """It helps on the seeds that completed, and no more once those that failed are counted at the worst value seen."""
    RESCUES = "rescues"
    """It helps because it works with seeds at which the baseline fails."""
    NOT_INFORMATIVE = "not informative"
    """Every arm is about as good as guessing, so any difference between them is noise."""
    FAILS = "fails"
    """It fails at seeds at which the baseline works, with every seed or so often that it hurts."""


SETTLED = frozenset({Verdict.HELPS, Verdict.HURTS, Verdict.EQUIVALENT, Verdict.RESCUES, Verdict.FAILS})
"""The verdicts that need no further seeds."""


Interval = tuple[float, float]


class Intervals(NamedTuple):
    """Two intervals of one comparison: at the level of its test, and at alpha over the size of its family.

    The second decides on equivalence: the levels of Holm's steps bound false differences, not false equivalences.
    """

    difference: Interval
    equivalence: Interval


def decide(intervals: Intervals, direction: Direction, equivalence: float | None = None) -> Verdict:
    """The verdict of the intervals of (arm - baseline).

    Wholly within ±equivalence it is `equivalent`, even if it leaves out zero: the study has declared differences of
    that size to be of no practical weight. Otherwise it `helps` or `hurts` if it leaves out zero. Where it does
    not, and reaches beyond a declared margin, it is `unsettled`: the study named what would be an answer, and the
    interval allows for both. Without a margin `no difference shown` is all that can be said.
    """
    low, high = intervals.difference
    if equivalence is not None and -equivalence <= intervals.equivalence[0] <= intervals.equivalence[1] <= equivalence:
        return Verdict.EQUIVALENT
    if low <= 0 <= high:
        return Verdict.NO_DIFFERENCE if equivalence is None else Verdict.UNSETTLED
    better = low > 0 if direction == "maximize" else high < 0
    return Verdict.HELPS if better else Verdict.HURTS


def decide_with_failures(
    complete: Intervals | None,
    counted: Intervals | None,
    direction: Direction,
    equivalence: float | None = None,
    *,
    excess: int,
) -> Verdict:
    """The verdict if replicates failed: an arm helps or hurts only if it also does with the failures counted.

    `complete` are the intervals over the pairs that completed, `counted` those with every failure at the worst value
    seen in either arm; None if there are too few pairs, or no spread. `excess`: at how many more seeds the arm
    failed than the baseline.
    """
    on_complete = None if complete is None else decide(complete, direction, equivalence)
    on_all = None if counted is None else decide(counted, direction, equivalence)
    if on_complete is on_all and on_all is not None:
        return on_all
    if on_complete is Verdict.HELPS:
        return Verdict.BETTER_WHERE_IT_WORKS
    if on_all is Verdict.HELPS and excess < 0 and on_complete is not Verdict.HURTS:
        return Verdict.RESCUES
    if on_all is Verdict.HURTS and excess > 0:
        return Verdict.FAILS
    return Verdict.UNSETTLED
