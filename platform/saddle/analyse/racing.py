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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from saddle.analyse.effect import Effect
from saddle.analyse.effects import Comparison, ComparisonSpec, conclude, describe
from saddle.analyse.paired_values import MISSING, ArmValues, pair
from saddle.analyse.statistics.corrections import adjust, local_alpha
from saddle.analyse.statistics.group_sequential import Spending, critical_values, sequential_p
from saddle.analyse.statistics.paired_t import paired_t
from saddle.analyse.verdict import SETTLED, decide


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
class _Runner:
    """One arm in the race."""

    arm: ArmValues
    comparison: Comparison
    looks: list[int] = field(default_factory=list)
    means: list[float] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    final: bool = False
    settled: int | None = None

    def look(self, *, final: bool) -> None:
        """Look at the comparison as it stands; with nothing new since the last time only the last look is another."""
        self.final = final
        if self.comparison.testable and (not self.looks or self.looks[-1] < len(self.comparison.values)):
            test = paired_t(self.comparison.values)
            self.looks.append(len(self.comparison.values))
            self.means.append(float(test.mean))
            self.errors.append(float(test.error))

    def shares(self, most: int) -> tuple[float, ...]:
        """How much of the comparison each look is; whatever failed, the last look is all of it."""
        found = [n / most for n in self.looks]
        return (*found[:-1], 1.0) if self.final else tuple(found)

    def p(self, most: int, spending: Spending) -> float:
        if not self.looks:
            return 1.0
        statistics = [mean / error for mean, error in zip(self.means, self.errors, strict=True)]
        return sequential_p(statistics, tuple(self.looks), self.shares(most), spending)

    def interval(self, most: int, local: float, spending: Spending) -> tuple[float, float]:
        """What the intervals of all looks have in common; the last one where they have nothing."""
        bounds = critical_values(tuple(self.looks), self.shares(most), local, spending)
        ends = [(m - c * e, m + c * e) for m, e, c in zip(self.means, self.errors, bounds, strict=True)]
        low, high = max(low for low, _ in ends), min(high for _, high in ends)
        return (low, high) if low <= high else ends[-1]


def race(
    arms: Sequence[ArmValues], baseline: ArmValues, seeds: Sequence[int], spec: ComparisonSpec, spending: Spending
) -> RaceState:
    """Replay a race of arms against the baseline; `rule.correction` is taken to be Holm's."""
    runners = [_Runner(arm, Comparison(arm.arm, pair(arm, _first(baseline, [])))) for arm in arms]
    for seen in range(1, len(seeds) + 1):
        prefix = seeds[:seen]
        for runner in runners:
            if runner.settled is None and not _waits(prefix, runner.arm, baseline):
                first = pair(_first(runner.arm, prefix), _first(baseline, prefix))
                runner.comparison = Comparison(runner.arm.arm, first)
                runner.look(final=seen == len(seeds))
        for runner, (_, local) in zip(runners, _levels(runners, len(seeds), spec, spending), strict=True):
            if runner.settled is None and runner.looks and seen < len(seeds):
                low, high = runner.interval(len(seeds), local, spending)
                if decide(low, high, spec.direction, spec.equivalence) in SETTLED:
                    runner.settled = seen
    effects = []
    for runner, (p_adjusted, local) in zip(runners, _levels(runners, len(seeds), spec, spending), strict=True):
        effect = describe(runner.comparison, spec)
        if runner.looks:
            low, high = runner.interval(len(seeds), local, spending)
            effect = conclude(effect, spec, low, high, level=1 - local, p_adjusted=p_adjusted)
        effects.append(replace(effect, settled_after=None if runner.settled is None else effect.n))
    settled = {runner.arm.arm: runner.settled for runner in runners if runner.settled is not None}
    if runners and len(settled) == len(runners):
        settled[baseline.arm] = max(settled.values())
    return RaceState(tuple(effects), settled)


def _levels(
    runners: Sequence[_Runner], most: int, spec: ComparisonSpec, spending: Spending
) -> list[tuple[float, float]]:
    """Each arm's adjusted p, and the level its interval has."""
    if not runners:
        return []
    p_all = [runner.p(most, spending) for runner in runners]
    adjusted, levels = adjust(p_all, "holm"), local_alpha(p_all, spec.alpha, "holm")
    return [(float(p), float(local)) for p, local in zip(adjusted, levels, strict=True)]


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
