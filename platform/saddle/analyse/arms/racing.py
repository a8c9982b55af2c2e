"""Racing: arms are looked at during the run, and one whose question is settled gets no more seeds.

A race looks after every seed; looks that a study declares without one are fewer. What follows holds for both.

Each arm is judged by a group sequential paired t test (`group_sequential`), and Holm's method is applied to the arms'
repeated p-values, so that over all looks and all arms a false difference is claimed with a probability of at most
alpha (Maurer & Bretz, 2013, Statistics in Biopharmaceutical Research 5, of which this is the case of equal
weights). The intervals are repeated confidence intervals (Jennison & Turnbull, 1989, JRSS B 51): they hold at all
looks together.

Where seeds were added after a look, the looks were not those that α was spent over, and every look is judged by the
bound that holds at any stopping time (`any_time`).

A race is replayed from the ledger, seed by seed in the planned order, regardless of the order in which trials ended. So
it has the same result for everyone who reads the ledger, and trials that ended after their arm was settled change
nothing.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from saddle.analyse.arms.comparison import Comparison, compare, finite_intervals, intervals_of
from saddle.analyse.arms.effect import Effect
from saddle.analyse.arms.effects import ComparisonSpec, conclude, verdict_of
from saddle.analyse.arms.paired_values import MISSING, ArmValues
from saddle.analyse.arms.verdict import SETTLED, Intervals
from saddle.analyse.statistics.paired.corrections import adjust
from saddle.analyse.statistics.paired.paired_t import PairedT
from saddle.analyse.statistics.paired.sign_test import SignTest
from saddle.analyse.statistics.sequential.any_time import any_time_critical_t, any_time_p
from saddle.analyse.statistics.sequential.group_sequential import Spending, critical_values, sequential_p


@dataclass(frozen=True)
class RaceState:
    """The state of a race: the effects so far, and the settled arms with the number of seeds they took."""

    effects: tuple[Effect, ...]
    settled: Mapping[str, int] = field(default_factory=dict)
    """The baseline is among them once every arm is."""

    def needs(self, arm: str, place: int) -> bool:
        """Whether a replicate still matters; `place` is that of its seed in the planned order, from 0."""
        return place < self.settled.get(arm, place + 1)


@dataclass(frozen=True)
class _Plan:
    """How a race is judged: `most` seeds, α spent over their looks, and `arms` that share it."""

    spec: ComparisonSpec
    spending: Spending
    most: int
    arms: int

    @property
    def strict(self) -> float:
        """The constant level of equivalence."""
        return self.spec.alpha / self.arms


@dataclass
class _Looks:
    """A sequence of t tests of one comparison, with more pairs each."""

    plan: _Plan
    pairs: list[int] = field(default_factory=list)
    means: list[float] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    final: bool = False
    exact: SignTest | None = None
    """The sign test of differences that had no spread up to the latest look, which holds at any look."""

    def add(self, test: PairedT | None, exact: SignTest | None, *, final: bool) -> None:
        """Add a look; without new pairs since the last one only `final` and `exact` change."""
        self.final, self.exact = final, exact
        n = 0 if test is None else int(test.freedom) + 1
        if test is not None and (not self.pairs or self.pairs[-1] < n):
            self.pairs.append(n)
            self.means.append(float(test.mean))
            self.errors.append(float(test.error))

    @property
    def shares(self) -> tuple[float, ...]:
        """The share of the comparison that each look has; the last look has all of it, even if replicates failed."""
        shares = [n / self.plan.most for n in self.pairs]
        return (*shares[:-1], 1.0) if self.final else tuple(shares)

    def bound(self, alpha: float) -> float:
        """The |t| that ends the comparison at the latest look; infinite before the first."""
        if not self.pairs:
            return math.inf
        if self.plan.spec.any_time:
            return float(any_time_critical_t(self.pairs[-1], alpha))
        return critical_values(tuple(self.pairs), self.shares, alpha, self.plan.spending)[-1]

    @property
    def mean(self) -> float:
        """The mean difference at the latest look; 0 before the first."""
        return self.means[-1] if self.pairs else 0.0 if self.exact is None else self.exact.mean

    @property
    def t(self) -> float:
        """The statistic of the latest look; 0 before the first, and without spread."""
        return self.means[-1] / self.errors[-1] if self.pairs else 0.0

    def rejects(self, alpha: float) -> bool:
        """Whether the latest look leaves out zero at level alpha, by the bound that its interval has."""
        if self.pairs or self.exact is None:
            return abs(self.t) > self.bound(alpha)
        return self.exact.p <= alpha

    @property
    def p(self) -> float:
        """About the smallest alpha at which the latest look would have ended the comparison."""
        if not self.pairs:
            return 1.0 if self.exact is None else self.exact.p
        if self.plan.spec.any_time:
            return any_time_p(self.t, self.pairs[-1])
        return sequential_p(self.t, tuple(self.pairs), self.shares, self.plan.spending)

    def intervals(self, alpha: float) -> Intervals | None:
        """The repeated confidence intervals of the latest look, at level 1 - alpha and at the level of equivalence."""
        if not self.pairs:
            return intervals_of(self.exact, alpha, self.plan.strict)
        mean, error = self.means[-1], self.errors[-1]
        half, strict = (self.bound(level) * error for level in (alpha, self.plan.strict))
        return finite_intervals((mean - half, mean + half), (mean - strict, mean + strict))


@dataclass
class _Runner:
    """One arm in the race, judged over complete pairs and with failures counted."""

    arm: ArmValues
    comparison: Comparison
    complete: _Looks
    counted: _Looks
    settled: int | None = None

    def look(self, comparison: Comparison, *, final: bool) -> None:
        """Look at the current comparison."""
        self.comparison = comparison
        self.complete.add(comparison.test, comparison.exact, final=final)
        self.counted.add(comparison.counted_test, comparison.counted_exact, final=final)

    @property
    def decisive(self) -> list[_Looks]:
        """What must leave out zero for a claim, as in `Comparison.decisive_p`."""
        return [self.complete, self.counted] if self.complete.mean * self.counted.mean > 0 else [self.counted]

    @property
    def p(self) -> float:
        """The p with which it enters Holm's order."""
        return max(looks.p for looks in self.decisive)

    def is_rejected(self, alpha: float) -> bool:
        """Whether its latest look leaves out zero at level alpha, by the bound that its intervals have."""
        return all(looks.rejects(alpha) for looks in self.decisive)

    def is_settled(self, spec: ComparisonSpec, local: float) -> bool:
        """Whether no more seeds are needed."""
        intervals = self.complete.intervals(local), self.counted.intervals(local)
        return verdict_of(self.comparison, spec, *intervals) in SETTLED

    def judged(self, spec: ComparisonSpec, local: float, p: float) -> Effect:
        """The current effect, with a local level and an adjusted p."""
        intervals = self.complete.intervals(local), self.counted.intervals(local)
        effect = conclude(self.comparison, spec, *intervals, level=1 - local, p_adjusted=p)
        return replace(effect, settled_after=None if self.settled is None else effect.n)


def race(
    arms: Sequence[ArmValues],
    baseline: ArmValues,
    seeds: Sequence[int],
    spec: ComparisonSpec,
    spending: Spending,
    looks: Collection[int] | None = None,
) -> RaceState:
    """Replay a race of arms against the baseline; `spec.correction` is taken to be Holm's.

    `looks` are the numbers of seeds after which arms are looked at; without them, after every seed.
    """
    plan = _Plan(spec, spending, len(seeds), len(arms))
    nothing = _first(baseline, [])
    runners = [
        _Runner(arm, compare(_first(arm, []), nothing, spec.direction), _Looks(plan), _Looks(plan)) for arm in arms
    ]
    for look in range(1, plan.most + 1) if looks is None else sorted(looks):
        prefix = seeds[:look]
        base = _first(baseline, prefix)
        racing = [runner for runner in runners if runner.settled is None and not _waits(prefix, runner.arm, baseline)]
        for runner in racing:
            comparison = compare(_first(runner.arm, prefix), base, spec.direction)
            runner.look(comparison, final=look == plan.most)
        levels = _levels(runners, spec.alpha)
        for runner in racing if look < plan.most else ():
            if runner.is_settled(spec, levels[runner.arm.arm][1]):
                runner.settled = look
    levels = _levels(runners, spec.alpha)
    effects = [runner.judged(spec, local, p) for runner in runners for p, local in [levels[runner.arm.arm]]]
    settled = {runner.arm.arm: runner.settled for runner in runners if runner.settled is not None}
    if runners and len(settled) == len(runners):
        settled[baseline.arm] = max(settled.values())
    return RaceState(tuple(effects), settled)


def _levels(runners: Sequence[_Runner], alpha: float) -> dict[str, tuple[float, float]]:
    """Each arm's adjusted p, and the level its interval has: Holm's steps, decided by the bounds of the intervals.

    The p-values are interpolated: they order the arms, and are printed on the side of alpha that the bounds decided.
    """
    if not runners:
        return {}
    adjusted = adjust([runner.p for runner in runners], "holm")
    levels: dict[str, tuple[float, float]] = {}
    level, rejecting = 0.0, True
    for step, (runner, p) in enumerate(sorted(zip(runners, adjusted, strict=True), key=lambda pair: pair[0].p)):
        if rejecting:
            level = alpha / (len(runners) - step)
            rejecting = runner.is_rejected(level)
        printed = min(float(p), alpha) if rejecting else max(float(p), math.nextafter(alpha, 1.0))
        levels[runner.arm.arm] = printed, level
    return levels


def _waits(prefix: Sequence[int], *arms: ArmValues) -> bool:
    """Whether one of these seeds is still to be trained: a look must not depend on which trials are quick."""
    return any(arm.lost.get(seed) == MISSING for arm in arms for seed in prefix)


def _first(arm: ArmValues, seeds: Sequence[int]) -> ArmValues:
    """The arm as if only these seeds had been planned."""
    return ArmValues(
        arm.arm,
        {seed: arm.values[seed] for seed in seeds if seed in arm.values},
        {seed: arm.lost[seed] for seed in seeds if seed in arm.lost},
        arm.lost_in,
    )
