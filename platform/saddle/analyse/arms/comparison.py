"""What is compared before it is judged: the pairs of an arm and its baseline, and those that count failures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from saddle.analyse.arms.effect import Kind
from saddle.analyse.arms.paired_values import ArmValues, Pairs, pair
from saddle.analyse.arms.verdict import Interval, Intervals
from saddle.analyse.statistics.paired.paired_t import PairedT, has_spread, paired_t
from saddle.analyse.statistics.paired.sign_test import SignTest
from saddle.analyse.statistics.power import FEWEST_SEEDS
from saddle.analyse.statistics.sequential.any_time import any_time_t
from trainables.contract import Direction

ROUNDING = 1e-12
"""A difference below this counts as zero."""


@dataclass(frozen=True)
class Comparison:
    """An arm against a baseline, or one side of a contrast against the other.

    `counted` are the pairs with every failure at the worst value seen; None if no replicate failed.
    `between_studies`: both sides are one setting, trained in two studies. `any_time`: whether its test holds whenever
    one stops, as it must where seeds were added after a look.
    """

    name: str
    pairs: Pairs
    kind: Kind = "arm"
    counted: Pairs | None = None
    between_studies: bool = False
    any_time: bool = False

    @property
    def values(self) -> list[float]:
        """The differences of the complete pairs."""
        return list(self.pairs.differences.values())

    @property
    def counted_values(self) -> list[float]:
        """The differences with failures counted."""
        return list((self.counted or self.pairs).differences.values())

    @cached_property
    def test(self) -> PairedT | None:
        """The t test of the complete pairs; None if there are too few, or no spread among them."""
        return _test(self.values, any_time=self.any_time)

    @cached_property
    def counted_test(self) -> PairedT | None:
        """The t test with failures counted."""
        return self.test if self.counted is None else _test(self.counted_values, any_time=self.any_time)

    @cached_property
    def exact(self) -> SignTest | None:
        """The sign test of complete pairs without spread, which alone can judge them."""
        return _without_spread(self.values)

    @cached_property
    def counted_exact(self) -> SignTest | None:
        """The sign test with failures counted."""
        return self.exact if self.counted is None else _without_spread(self.counted_values)

    @property
    def failures(self) -> tuple[int, int]:
        """How many replicates of the arm and of the baseline failed."""
        return (0, 0) if self.counted is None else (len(self.pairs.arm.failures), len(self.pairs.baseline.failures))

    @property
    def always_fails(self) -> bool:
        """Whether the arm failed with every seed, three at least, and the baseline did not."""
        arm, baseline = self.pairs.arm, self.pairs.baseline
        nothing_left = not arm.values and len(arm.failures) >= FEWEST_SEEDS
        return self.kind == "arm" and nothing_left and bool(baseline.values)

    @property
    def fails_mostly(self) -> bool:
        """Whether most replicates of a side failed: more seeds would mostly fail, too."""
        return any(2 * len(side.failures) > side.trained for side in (self.pairs.arm, self.pairs.baseline))

    @property
    def decisive_p(self) -> float:
        """Its p-value in its family; where replicates failed, that of what both ways of counting show.

        So a verdict is a claim exactly if the correction rejects. 1 if nothing can be tested.
        """
        test = self.test or self.exact
        counted = self.counted_test or self.counted_exact
        if counted is None:
            return 1.0
        if test is None:
            return float(counted.p)
        same_sign = float(test.mean) * float(counted.mean) > 0
        return max(float(test.p), float(counted.p)) if same_sign else float(counted.p)

    def intervals(self, alpha: float, strict: float) -> tuple[Intervals | None, Intervals | None]:
        """Those of the complete pairs, and with failures counted, at the levels 1 - alpha and 1 - strict."""
        complete = intervals_of(self.test or self.exact, alpha, strict)
        if self.counted is None:
            return complete, complete
        return complete, intervals_of(self.counted_test or self.counted_exact, alpha, strict)


def compare(arm: ArmValues, baseline: ArmValues, direction: Direction, name: str | None = None) -> Comparison:
    """An arm against the baseline; failures are counted at the worst value seen in either of the two."""
    filled = with_failures_counted((arm, baseline), direction)
    return Comparison(name or arm.arm, pair(arm, baseline), counted=pair(*filled) if filled else None)


def with_failures_counted(arms: Sequence[ArmValues], direction: Direction) -> list[ArmValues] | None:
    """The arms with each failure at the worst value that any of them has; None without failures, or values."""
    values = [value for arm in arms for value in arm.values.values()]
    if not values or not any(arm.failures for arm in arms):
        return None
    worst = min(values) if direction == "maximize" else max(values)
    return [arm.with_failures_at(worst) for arm in arms]


def is_testable(differences: Sequence[float]) -> bool:
    """Whether there are enough differences, and spread among them, for a t test."""
    return len(differences) >= FEWEST_SEEDS and has_spread(differences)


def _test(differences: Sequence[float], *, any_time: bool) -> PairedT | None:
    if not is_testable(differences):
        return None
    return any_time_t(differences) if any_time else paired_t(differences)


def _without_spread(differences: Sequence[float]) -> SignTest | None:
    if len(differences) < FEWEST_SEEDS or has_spread(differences):
        return None
    first = differences[0]
    return SignTest(0.0 if abs(first) < ROUNDING else first, len(differences))


def intervals_of(test: PairedT | SignTest | None, alpha: float, strict: float) -> Intervals | None:
    """The intervals at the levels 1 - alpha and 1 - strict; None if nothing can be tested.

    Too few identical differences reach neither level.
    """
    if test is None:
        return None
    ends = [test.interval(level) for level in (alpha, strict)]
    difference, equivalence = ((float(low), float(high)) for low, high in ends)
    return finite_intervals(difference, equivalence)


def finite_intervals(difference: Interval, equivalence: Interval) -> Intervals | None:
    """Both intervals; None if that of the difference has no ends, as with too few pairs for any stopping time."""
    return Intervals(difference, equivalence) if all(map(math.isfinite, difference)) else None
