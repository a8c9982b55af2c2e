"""Paired effects: how far an arm is from the baseline, how sure that is, and the verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import special, stats

from saddle.analyse.effect import Effect, FailuresCounted, Kind
from saddle.analyse.paired_values import MISSING, ArmValues, Pairs, pair, worst_value
from saddle.analyse.statistics.corrections import Correction, adjust, local_alpha
from saddle.analyse.statistics.paired_t import has_spread, paired_t
from saddle.analyse.statistics.power import FEWEST_SEEDS
from saddle.analyse.statistics.sign_flip import sign_flip_p
from saddle.analyse.verdict import Intervals, Verdict, decide, decide_with_failures
from trainables.contract import Direction, Metric

MOST_SEEDS = 1000
"""Beyond these nobody is told how many seeds a verdict would take."""


@dataclass(frozen=True)
class ComparisonSpec:
    """How a family of comparisons is judged."""

    metric: Metric
    alpha: float = 0.05
    correction: Correction = "holm"
    equivalence: float | None = None

    @property
    def direction(self) -> Direction:
        """The metric's better direction."""
        return self.metric.direction


@dataclass(frozen=True)
class Comparison:
    """What is compared before it is judged: a name, its pairs, and where replicates failed, pairs that count them."""

    name: str
    pairs: Pairs
    kind: Kind = "arm"
    counted: Pairs | None = None

    @property
    def values(self) -> list[float]:
        return list(self.pairs.differences.values())

    @property
    def counted_values(self) -> list[float]:
        """The differences with failures counted; those of the complete pairs where nothing failed."""
        return self.values if self.counted is None else list(self.counted.differences.values())

    @property
    def testable(self) -> bool:
        """Whether there are enough pairs, and spread among them, to say anything."""
        return is_testable(self.values)

    @property
    def failures(self) -> tuple[int, int]:
        """How many replicates of the arm and of the baseline failed."""
        return len(self.pairs.arm.failures), len(self.pairs.baseline.failures)


def is_testable(differences: Sequence[float]) -> bool:
    """Whether there are enough differences, and spread among them, for a t test."""
    return len(differences) >= FEWEST_SEEDS and has_spread(differences)


def compare(arm: ArmValues, baseline: ArmValues, direction: Direction) -> Comparison:
    """An arm against the baseline; failures are counted at the worst value seen in either of the two."""
    pairs, worst = pair(arm, baseline), worst_value((arm, baseline), direction)
    if worst is None or not (arm.failures or baseline.failures):
        return Comparison(arm.arm, pairs)
    counted = pair(arm.with_failures_at(worst), baseline.with_failures_at(worst))
    return Comparison(arm.arm, pairs, counted=counted)


def paired_effects(arms: Sequence[ArmValues], baseline: ArmValues, spec: ComparisonSpec) -> list[Effect]:
    """Each arm's effect against the baseline, adjusted over all of them."""
    return judge([compare(arm, baseline, spec.direction) for arm in arms], spec)


def judge(comparisons: Sequence[Comparison], spec: ComparisonSpec) -> list[Effect]:
    """The effects of one family of comparisons.

    Comparisons that can't be tested stay in the family with p = 1, so no verdict depends on what failed to run.
    """
    if not comparisons:
        return []
    p_all = [decisive_p(comparison) for comparison in comparisons]
    adjusted = adjust(p_all, spec.correction)
    levels = local_alpha(p_all, spec.alpha, spec.correction)
    effects = []
    for comparison, p_adjusted, local in zip(comparisons, adjusted, levels, strict=True):
        effect = describe(comparison, spec)
        strict = spec.alpha / len(comparisons)
        complete, counted = (
            t_intervals(values, float(local), strict) for values in (comparison.values, comparison.counted_values)
        )
        if complete is not None or counted is not None:
            effect = conclude(effect, spec, complete, counted, level=1 - float(local), p_adjusted=float(p_adjusted))
        effects.append(effect)
    return effects


def decisive_p(comparison: Comparison) -> float:
    """The p that a comparison has in its family: where replicates failed, that of what both ways of counting show.

    So its verdict is a claim exactly where the correction rejects. 1 where nothing can be tested.
    """
    complete, counted = (
        paired_t(values) if is_testable(values) else None for values in (comparison.values, comparison.counted_values)
    )
    if counted is None:
        return 1.0
    if complete is None or comparison.counted is None:
        return float(counted.p)
    same_sign = float(complete.mean) * float(counted.mean) > 0
    return max(float(complete.p), float(counted.p)) if same_sign else float(counted.p)


def t_intervals(differences: Sequence[float], alpha: float, strict: float) -> Intervals | None:
    """The t intervals at the levels 1 - alpha and 1 - strict; None where nothing can be tested."""
    if not is_testable(differences):
        return None
    test = paired_t(differences)
    return Intervals(*((float(low), float(high)) for low, high in map(test.interval, (alpha, strict))))


def describe(comparison: Comparison, spec: ComparisonSpec) -> Effect:
    """A comparison with all that can be said before its interval: unsettled so far."""
    pairs, values = comparison.pairs, comparison.values
    sd = float(np.std(values, ddof=1)) if comparison.testable else None
    mean = _mean(values)
    test = paired_t(values) if comparison.testable else None
    return Effect(
        name=comparison.name,
        arm=pairs.arm.arm,
        baseline=pairs.baseline.arm,
        metric=spec.metric,
        verdict=Verdict.UNSETTLED,
        n=len(values),
        mean=mean,
        p=None if test is None else float(test.p),
        correction=spec.correction,
        p_permutation=sign_flip_p(values) if values else None,
        p_equivalence=tost_p(values, spec.equivalence) if comparison.testable and spec.equivalence else None,
        sd=sd,
        size=None if sd is None or mean is None else hedges(len(values) - 1) * mean / sd,
        more_seeds=None if fails_mostly(pairs) else first_seeds(len(values)),
        differences=dict(pairs.differences),
        arm_mean=_mean([pairs.arm.values[seed] for seed in pairs.differences]),
        baseline_mean=_mean([pairs.baseline.values[seed] for seed in pairs.differences]),
        notes=_notes(comparison),
        kind=comparison.kind,
        counted=counted_of(comparison),
    )


def first_seeds(pairs: int) -> int | None:
    """How many pairs are missing before anything can be tested."""
    return FEWEST_SEEDS - pairs if pairs < FEWEST_SEEDS else None


def fails_mostly(pairs: Pairs) -> bool:
    """Whether most replicates of either arm failed: more seeds would mostly fail, too."""
    return any(2 * len(side.failures) > side.trained for side in (pairs.arm, pairs.baseline))


def counted_of(comparison: Comparison) -> FailuresCounted | None:
    """The comparison with failures counted, before its interval; None where nothing failed."""
    arm, baseline = comparison.failures
    if not arm and not baseline:
        return None
    values, pairs = comparison.counted_values, comparison.pairs
    return FailuresCounted(arm, baseline, pairs.arm.trained, pairs.baseline.trained, len(values), _mean(values))


def conclude(
    effect: Effect,
    spec: ComparisonSpec,
    complete: Intervals | None,
    counted: Intervals | None,
    *,
    level: float,
    p_adjusted: float,
) -> Effect:
    """The effect with its intervals over complete pairs and with failures counted, and the verdict that follows."""
    failed = effect.counted
    verdict = verdict_of((failed.arm, failed.baseline) if failed is not None else (0, 0), spec, complete, counted)
    low, high = (None, None) if complete is None else complete.difference
    notes = effect.notes
    if verdict is Verdict.EQUIVALENT and low is not None and high is not None and not low <= 0 <= high:
        notes = (*notes, "a difference is shown, but it is smaller than the study calls practical")
    if failed is not None and counted is not None:
        failed = replace(failed, low=counted.difference[0], high=counted.difference[1])
    unsettled = verdict is Verdict.UNSETTLED
    hopeless = failed is not None and effect.more_seeds is None and effect.n < FEWEST_SEEDS
    more = more_seeds(effect, spec, 1 - level) if unsettled and not hopeless else None
    return replace(
        effect, verdict=verdict, low=low, high=high, level=level, p_adjusted=p_adjusted, notes=notes, more_seeds=more,
        counted=failed,
    )  # fmt: skip


def verdict_of(
    failures: tuple[int, int], spec: ComparisonSpec, complete: Intervals | None, counted: Intervals | None
) -> Verdict:
    """The verdict of a comparison with so many failures of arm and baseline, once anything can be tested."""
    if not any(failures):
        assert complete is not None
        return decide(complete, spec.direction, spec.equivalence)
    excess = failures[0] - failures[1]
    return decide_with_failures(complete, counted, spec.direction, spec.equivalence, excess=excess)


def more_seeds(effect: Effect, spec: ComparisonSpec, local: float) -> int | None:
    """After how many more pairs the interval would settle it, with mean and spread as they are; None beyond 1,000.

    A rough guide and no promise: both are estimates, and half the time the true mean is nearer to what stays undecided.
    """
    if effect.mean is None or effect.sd is None:
        return None
    n = np.arange(effect.n + 1, MOST_SEEDS + 1)
    half = stats.t.isf(local / 2, n - 1) * effect.sd / np.sqrt(n)
    settled = half < abs(effect.mean)
    if spec.equivalence is not None:
        settled |= abs(effect.mean) + half <= spec.equivalence
    return int(n[settled][0] - effect.n) if settled.any() else None


def tost_p(differences: Sequence[float], margin: float) -> float:
    """p of the two one-sided t tests that the mean difference lies within ±margin (Schuirmann, 1987)."""
    above = stats.ttest_1samp(differences, -margin, alternative="greater").pvalue
    below = stats.ttest_1samp(differences, margin, alternative="less").pvalue
    return float(max(above, below))


def hedges(freedom: int) -> float:
    """What takes the bias from a standardised mean of few values (Hedges, 1981)."""
    return float(math.exp(special.gammaln(freedom / 2) - special.gammaln((freedom - 1) / 2)) * math.sqrt(2 / freedom))


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _notes(comparison: Comparison) -> tuple[str, ...]:
    notes = []
    values, pairs = comparison.values, comparison.pairs
    if len(values) >= FEWEST_SEEDS and not has_spread(values):
        notes.append(
            "every seed gives identical values; this setting may not reach the training"
            if abs(values[0]) < 1e-12
            else "every seed gives the same difference, so there is no spread to judge it by"
        )
    reasons = sorted({reason for reason in pairs.lost.values() if MISSING not in reason})
    for reason in reasons:
        seeds = [seed for seed, why in pairs.lost.items() if why == reason]
        notes.append(f"no pair at seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}: {reason}")
    return tuple(notes)
