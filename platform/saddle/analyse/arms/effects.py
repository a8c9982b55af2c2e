"""Paired effects: how far an arm is from the baseline, how sure that is, and the verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy

from saddle.analyse.arms.comparison import Comparison, compare
from saddle.analyse.arms.effect import Effect, FailuresCounted
from saddle.analyse.arms.paired_values import MISSING, ArmValues
from saddle.analyse.arms.verdict import Intervals, Verdict, decide, decide_with_failures
from saddle.analyse.statistics.paired.corrections import Correction, adjust, local_alpha
from saddle.analyse.statistics.paired.sign_flip import sign_flip_p
from saddle.analyse.statistics.power import FEWEST_SEEDS
from saddle.analyse.statistics.scales import ScaleName
from saddle.analyse.statistics.sequential.any_time import any_time_critical_t
from saddle.analyse.statistics.t_distribution import critical_t
from trainables.contract import Direction, Metric

MOST_SEEDS = 1000
"""Larger numbers of seeds that a verdict would take are not reported."""


@dataclass(frozen=True)
class ComparisonSpec:
    """How a family of comparisons is judged.

    `planned`: how many seeds there will be; more than these are added after a look. `any_time`: whether some were.
    """

    metric: Metric
    alpha: float = 0.05
    correction: Correction = "holm"
    equivalence: float | None = None
    scale: ScaleName = "linear"
    """The scale on which differences are taken."""
    planned: int = 0
    any_time: bool = False

    @property
    def direction(self) -> Direction:
        """The metric's better direction."""
        return self.metric.direction


def paired_effects(arms: Sequence[ArmValues], baseline: ArmValues, spec: ComparisonSpec) -> list[Effect]:
    """Each arm's effect against the baseline, adjusted over all of them."""
    return judge([compare(arm, baseline, spec.direction) for arm in arms], spec)


def judge(comparisons: Sequence[Comparison], spec: ComparisonSpec) -> list[Effect]:
    """The effects of one family of comparisons.

    Comparisons that can't be tested stay in the family with p = 1, so no verdict depends on what failed to run.
    """
    if not comparisons:
        return []
    comparisons = [replace(comparison, any_time=spec.any_time) for comparison in comparisons]
    p_all = [comparison.decisive_p for comparison in comparisons]
    adjusted = adjust(p_all, spec.correction)
    levels = local_alpha(p_all, spec.alpha, spec.correction)
    effects = []
    for comparison, p_adjusted, local in zip(comparisons, adjusted, levels, strict=True):
        intervals = comparison.intervals(float(local), spec.alpha / len(comparisons))
        effects.append(conclude(comparison, spec, *intervals, level=1 - float(local), p_adjusted=float(p_adjusted)))
    return effects


def describe(comparison: Comparison, spec: ComparisonSpec) -> Effect:
    """A comparison with everything that is known before its interval: unsettled so far."""
    pairs, values, test = comparison.pairs, comparison.values, comparison.test
    judged = test or comparison.exact
    sd = float(np.std(values, ddof=1)) if test is not None else None
    mean = _mean(values)
    return Effect(
        name=comparison.name,
        arm=pairs.arm.arm,
        baseline=pairs.baseline.arm,
        metric=spec.metric,
        verdict=Verdict.UNSETTLED,
        n=len(values),
        mean=mean,
        p=None if judged is None else float(judged.p),
        correction=spec.correction,
        p_permutation=sign_flip_p(values) if values else None,
        p_equivalence=tost_p(values, spec.equivalence) if test is not None and spec.equivalence else None,
        sd=sd,
        size=None if sd is None or mean is None else hedges(len(values) - 1) * mean / sd,
        more_seeds=None if comparison.fails_mostly else first_seeds(len(values)),
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


def counted_of(comparison: Comparison, intervals: Intervals | None = None) -> FailuresCounted | None:
    """The comparison with failures counted, and its interval if it is known; None if nothing failed."""
    if comparison.counted is None:
        return None
    (arm, baseline), values, pairs = comparison.failures, comparison.counted_values, comparison.pairs
    ends = (None, None) if intervals is None else intervals.difference
    return FailuresCounted(arm, baseline, pairs.arm.trained, pairs.baseline.trained, len(values), _mean(values), *ends)


def conclude(
    comparison: Comparison,
    spec: ComparisonSpec,
    complete: Intervals | None,
    counted: Intervals | None,
    *,
    level: float,
    p_adjusted: float,
) -> Effect:
    """The effect with its intervals over complete pairs and with failures counted, and the verdict that follows."""
    effect, verdict = describe(comparison, spec), verdict_of(comparison, spec, complete, counted)
    if complete is None and counted is None:
        waits = comparison.test is not None and not comparison.fails_mostly
        missing = more_seeds(effect, spec, 1 - level) if waits else effect.more_seeds
        return replace(effect, verdict=verdict, more_seeds=missing if verdict is Verdict.UNSETTLED else None)
    low, high = (None, None) if complete is None else complete.difference
    notes = effect.notes
    if verdict is Verdict.EQUIVALENT and low is not None and high is not None and not low <= 0 <= high:
        notes = (*notes, "a difference is shown, but it is smaller than the study calls practical")
    waits = verdict is Verdict.UNSETTLED and not comparison.fails_mostly
    return replace(
        effect, verdict=verdict, low=low, high=high, level=level, p_adjusted=p_adjusted, notes=notes,
        more_seeds=more_seeds(effect, spec, 1 - level) if waits else None, counted=counted_of(comparison, counted),
    )  # fmt: skip


def verdict_of(
    comparison: Comparison, spec: ComparisonSpec, complete: Intervals | None, counted: Intervals | None
) -> Verdict:
    """The verdict that follows from a comparison's intervals, and from what failed."""
    arm, baseline = comparison.failures
    if comparison.always_fails:
        return Verdict.FAILS
    if complete is not None and not arm and not baseline:
        return decide(complete, spec.direction, spec.equivalence)
    return decide_with_failures(complete, counted, spec.direction, spec.equivalence, excess=arm - baseline)


def more_seeds(effect: Effect, spec: ComparisonSpec, local: float) -> int | None:
    """After how many more pairs the interval would settle it, with mean and spread unchanged; None beyond 1,000.

    Pairs beyond the planned ones come after a look, so they are counted by the bound that will judge them then. A rough
    guide, not a guarantee: both are estimates, and half the time the true mean is nearer to what stays undecided.
    """
    if effect.mean is None or effect.sd is None:
        return None
    n = np.arange(effect.n + 1, MOST_SEEDS + 1)
    after_a_look = spec.any_time | (n > spec.planned)
    critical = np.where(after_a_look, any_time_critical_t(n, local), critical_t(n - 1, local))
    half = critical * effect.sd / np.sqrt(n)
    settled = half < abs(effect.mean)
    if spec.equivalence is not None:
        settled |= abs(effect.mean) + half <= spec.equivalence
    return int(n[settled][0] - effect.n) if settled.any() else None


def tost_p(differences: Sequence[float], margin: float) -> float:
    """p of the two one-sided t tests that the mean difference is within ±margin (Schuirmann, 1987)."""
    above = scipy.stats.ttest_1samp(differences, -margin, alternative="greater").pvalue
    below = scipy.stats.ttest_1samp(differences, margin, alternative="less").pvalue
    return float(max(above, below))


def hedges(freedom: int) -> float:
    """The factor that removes the bias of a standardised mean of few values (Hedges, 1981)."""
    return float(
        math.exp(scipy.special.gammaln(freedom / 2) - scipy.special.gammaln((freedom - 1) / 2)) * math.sqrt(2 / freedom)
    )


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _notes(comparison: Comparison) -> tuple[str, ...]:
    notes = []
    pairs = comparison.pairs
    if comparison.exact is not None:
        notes.append(_same(comparison.exact.mean, between_studies=comparison.between_studies))
    reasons = sorted({reason for reason in pairs.lost.values() if MISSING not in reason})
    for reason in reasons:
        seeds = [seed for seed, cause in pairs.lost.items() if cause == reason]
        notes.append(f"no pair at seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}: {reason}")
    return tuple(notes)


def _same(difference: float, *, between_studies: bool) -> str:
    """The note where every seed gives the same difference."""
    if difference != 0:
        return "every seed gives the same difference, so only a sign test can judge it"
    if between_studies:
        return "every seed gives the same value in both studies"
    return "every seed gives identical values; this setting may not reach the training"
