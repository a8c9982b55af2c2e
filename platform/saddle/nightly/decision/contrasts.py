"""One metric of an arm after a change against its references, or how many of its replicates fail."""

from __future__ import annotations

import math
from dataclasses import dataclass

import scipy

from saddle.analyse.arms.comparison import ROUNDING, Comparison
from saddle.analyse.statistics.paired.paired_t import has_spread
from saddle.analyse.statistics.sequential.group_sequential import SPENDING, Spending, critical_values
from saddle.nightly.decision.decision import FAILURES, MetricEffect
from saddle.nightly.decision.policy import Watched

METRIC_SPENDING: Spending = "obrien_fleming"
"""As races spend α."""

FAILURE_SPENDING: Spending = "pocock"
"""So that an arm of which all replicates begin to fail is worse at the first look."""


@dataclass(frozen=True)
class Look:
    """The state of a comparison after `looks[place]` of the planned numbers of seeds."""

    looks: tuple[int, ...]
    place: int

    @property
    def seeds(self) -> int:
        """How many are compared."""
        return self.looks[self.place]

    @property
    def shares(self) -> tuple[float, ...]:
        """How much of the whole comparison each look is."""
        return tuple(look / self.looks[-1] for look in self.looks)

    def bound(self, level: float) -> float:
        """The |t| that a two-sided test at this level needs here."""
        return critical_values(self.looks, self.shares, level, METRIC_SPENDING)[self.place]

    def spends(self, level: float, spending: Spending) -> float:
        """What of a two-sided level this look alone may spend, for tests whose looks share nothing but their sum."""
        spent = [0.0, *(SPENDING[spending](level, share) for share in self.shares)]
        return spent[self.place + 1] - spent[self.place]


@dataclass(frozen=True)
class MetricContrast:
    """One metric of one arm; every failed replicate is counted at the worst value seen."""

    arm: str
    watched: Watched
    comparison: Comparison

    @property
    def mean(self) -> float:
        """The mean difference; 0 if neither side has a value."""
        values = self.comparison.counted_values
        return math.fsum(values) / len(values) if values else 0.0

    def is_worse(self, look: Look, level: float) -> bool:
        """By its t; by the sign test where all differences are the same. One that only rounding makes is none."""
        if self.watched.sign * self.mean > -ROUNDING:
            return False
        test = self.comparison.counted_test
        if test is not None:
            return abs(float(test.mean / test.error)) > look.bound(level)
        same = not has_spread(self.comparison.counted_values)
        return same and 2.0 ** (1 - look.seeds) <= look.spends(level, METRIC_SPENDING)

    def effect(self, look: Look, level: float, *, is_worse: bool) -> MetricEffect:
        """The mean difference with its repeated confidence interval; none if all differences are the same."""
        test = self.comparison.counted_test
        half = None if test is None else look.bound(level) * float(test.error)
        interval = None if half is None else (self.mean - half, self.mean + half)
        failed = self.comparison.failures[::-1]
        return MetricEffect(self.arm, self.watched.metric, look.seeds, self.mean, interval, is_worse, failed)


@dataclass(frozen=True)
class FailureContrast:
    """The seeds with which an arm fails after a change, and those with which it failed before.

    Judged by the exact test of McNemar (1947, Psychometrika 12), one-sided: of the seeds at which one side alone fails,
    at how many it is the later one.
    """

    arm: str
    after: frozenset[int]
    before: frozenset[int]

    def is_worse(self, look: Look, level: float) -> bool:
        """Whether more of them fail than before."""
        newly, no_longer = len(self.after - self.before), len(self.before - self.after)
        if newly <= no_longer:
            return False
        p = float(scipy.special.bdtrc(newly - 1, newly + no_longer, 0.5))
        return p <= look.spends(level, FAILURE_SPENDING) / 2

    def effect(self, look: Look, level: float, *, is_worse: bool) -> MetricEffect:
        """The difference of the shares that fail, without an interval."""
        failed = len(self.before), len(self.after)
        mean = (failed[1] - failed[0]) / look.seeds
        return MetricEffect(self.arm, FAILURES, look.seeds, mean, None, is_worse, failed)
