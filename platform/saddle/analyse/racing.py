"""Racing: arms are looked at after every seed, and one whose question is settled gets no more of them.

Each arm is judged by a group sequential paired t test (`sequential`), and Holm's method is applied to the arms'
repeated p-values, so that over all looks and all arms a difference is claimed where there is none at most with
probability alpha (Maurer & Bretz, 2013, Statistics in Biopharmaceutical Research 5, of which this is the case of equal
weights). The intervals are repeated confidence intervals (Jennison & Turnbull, 1989, JRSS B 51): they hold at all
looks at once.

A race is replayed from what the ledger holds, seed by seed in the planned order, whatever order trials ended in. So it
comes out the same for everybody who reads the ledger, and trials that ended after their arm was settled change nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from saddle.analyse.collapse import always_fails
from saddle.analyse.effect import Effect
from saddle.analyse.effects import Comparison, ComparisonSpec, compare, conclude, describe, is_testable, verdict_of
from saddle.analyse.paired_values import MISSING, ArmValues
from saddle.analyse.statistics.corrections import adjust
from saddle.analyse.statistics.group_sequential import Spending, critical_values, sequential_p
from saddle.analyse.statistics.paired_t import paired_t
from saddle.analyse.verdict import SETTLED, Interval, Intervals


@dataclass(frozen=True)
class RaceState:
    """Where a race stands: the effects so far, and the arms that are settled with the number of seeds that took."""

    effects: tuple[Effect, ...]
    settled: Mapping[str, int] = field(default_factory=dict)
    """The baseline is among them once every arm is."""

    def needs(self, arm: str, place: int) -> bool:
        """Whether a replicate still matters; `place` is that of its seed in the planned order, from 0."""
        return place < self.settled.get(arm, place + 1)


@dataclass
class _Looks:
    """A sequence of t tests of one comparison, with more pairs each."""

    pairs: list[int] = field(default_factory=list)
    means: list[float] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    final: bool = False

    def add(self, differences: Sequence[float], *, final: bool) -> None:
        """Look once more; with nothing new since the last time only the last look is another."""
        self.final = final
        if is_testable(differences) and (not self.pairs or self.pairs[-1] < len(differences)):
            test = paired_t(differences)
            self.pairs.append(len(differences))
            self.means.append(float(test.mean))
            self.errors.append(float(test.error))

    def shares(self, most: int) -> tuple[float, ...]:
        """How much of the comparison each look is; whatever failed, the last look is all of it."""
        shares = [n / most for n in self.pairs]
        return (*shares[:-1], 1.0) if self.final else tuple(shares)

    def bound(self, most: int, alpha: float, spending: Spending) -> float:
        """The |t| that ends the comparison at the latest look; infinite before the first."""
        if not self.pairs:
            return math.inf
        return critical_values(tuple(self.pairs), self.shares(most), alpha, spending)[-1]

    @property
    def t(self) -> float:
        """The statistic of the latest look."""
        return self.means[-1] / self.errors[-1] if self.pairs else 0.0

    def p(self, most: int, spending: Spending) -> float:
        """About the smallest alpha at which the latest look would have ended the comparison."""
        if not self.pairs:
            return 1.0
        return sequential_p(self.t, tuple(self.pairs), self.shares(most), spending)

    def interval(self, most: int, alpha: float, spending: Spending) -> Interval:
        """The repeated confidence interval of the latest look."""
        half = self.bound(most, alpha, spending) * self.errors[-1]
        return self.means[-1] - half, self.means[-1] + half


@dataclass
class _Runner:
    """One arm in the race, judged over complete pairs and with failures counted."""

    arm: ArmValues
    comparison: Comparison
    complete: _Looks = field(default_factory=_Looks)
    counted: _Looks = field(default_factory=_Looks)
    settled: int | None = None

    def look(self, comparison: Comparison, *, final: bool) -> None:
        """Look at the comparison as it stands."""
        self.comparison = comparison
        self.complete.add(comparison.values, final=final)
        self.counted.add(comparison.counted_values, final=final)

    def p(self, most: int, spending: Spending) -> float:
        """The p with which it enters Holm's order (see `effects.decisive_p`)."""
        complete, counted = self.complete.p(most, spending), self.counted.p(most, spending)
        same_sign = self.complete.t * self.counted.t > 0
        return max(complete, counted) if same_sign else counted

    def is_rejected(self, most: int, alpha: float, spending: Spending) -> bool:
        """Whether its latest look leaves out zero at level alpha, by the bound that its intervals have."""
        decisive = [self.complete, self.counted] if self.complete.t * self.counted.t > 0 else [self.counted]
        return all(abs(looks.t) > looks.bound(most, alpha, spending) for looks in decisive)

    def intervals(self, most: int, local: float, strict: float, spending: Spending) -> list[Intervals | None]:
        """Over complete pairs and with failures counted; None where nothing can be tested."""
        return [
            Intervals(looks.interval(most, local, spending), looks.interval(most, strict, spending))
            if looks.pairs
            else None
            for looks in (self.complete, self.counted)
        ]

    def is_settled(self, most: int, local: float, strict: float, spec: ComparisonSpec, how: Spending) -> bool:
        """Whether more seeds are not needed, as it stands."""
        if always_fails(self.comparison.pairs):
            return True
        complete, counted = self.intervals(most, local, strict, how)
        if complete is None and counted is None:
            return False
        return verdict_of(self.comparison.failures, spec, complete, counted) in SETTLED

    def judged(self, most: int, local: float, p: float, strict: float, spec: ComparisonSpec, how: Spending) -> Effect:
        """The effect as it stands, with a local level and an adjusted p."""
        effect = describe(self.comparison, spec)
        complete, counted = self.intervals(most, local, strict, how)
        if complete is None and counted is None:
            return effect
        return conclude(effect, spec, complete, counted, level=1 - local, p_adjusted=p)


def race(
    arms: Sequence[ArmValues], baseline: ArmValues, seeds: Sequence[int], spec: ComparisonSpec, spending: Spending
) -> RaceState:
    """Replay a race of arms against the baseline; `spec.correction` is taken to be Holm's."""
    none = _first(baseline, [])
    runners = [_Runner(arm, compare(_first(arm, []), none, spec.direction)) for arm in arms]
    most, strict = len(seeds), spec.alpha / max(1, len(arms))
    for seen in range(1, most + 1):
        prefix = seeds[:seen]
        base = _first(baseline, prefix)
        for runner in runners:
            if runner.settled is None and not _waits(prefix, runner.arm, baseline):
                comparison = compare(_first(runner.arm, prefix), base, spec.direction)
                runner.look(comparison, final=seen == most)
        for runner, (_, local) in zip(runners, _levels(runners, most, spec, spending), strict=True):
            if runner.settled is None and seen < most and not _waits(prefix, runner.arm, baseline):
                if runner.is_settled(most, local, strict, spec, spending):
                    runner.settled = seen
    effects = []
    for runner, (p, local) in zip(runners, _levels(runners, most, spec, spending), strict=True):
        effect = runner.judged(most, local, p, strict, spec, spending)
        effects.append(replace(effect, settled_after=None if runner.settled is None else effect.n))
    settled = {runner.arm.arm: runner.settled for runner in runners if runner.settled is not None}
    if runners and len(settled) == len(runners):
        settled[baseline.arm] = max(settled.values())
    return RaceState(tuple(effects), settled)


def _levels(
    runners: Sequence[_Runner], most: int, spec: ComparisonSpec, spending: Spending
) -> list[tuple[float, float]]:
    """Each arm's adjusted p, and the level its interval has: Holm's steps, decided by the bounds of the intervals.

    The p-values are interpolated: they order the arms, and are printed on the side of alpha that the bounds decided.
    """
    p_all = [runner.p(most, spending) for runner in runners]
    levels, rejected = [0.0] * len(runners), [False] * len(runners)
    level, going_on = 0.0, True
    for step, place in enumerate(sorted(range(len(runners)), key=lambda place: p_all[place])):
        if going_on:
            level = spec.alpha / (len(runners) - step)
            going_on = rejected[place] = runners[place].is_rejected(most, level, spending)
        levels[place] = level
    adjusted = [float(p) for p in adjust(p_all, "holm")] if p_all else []
    sided = [
        min(p, spec.alpha) if is_rejected else max(p, math.nextafter(spec.alpha, 1.0))
        for p, is_rejected in zip(adjusted, rejected, strict=True)
    ]
    return list(zip(sided, levels, strict=True))


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
