"""Paired effects: how far an arm is from the baseline, how sure that is, and the verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import special, stats

from saddle.analyse.effect import Effect, Kind
from saddle.analyse.paired_values import MISSING, ArmValues, Pairs, pair
from saddle.analyse.statistics.corrections import Correction, adjust, local_alpha
from saddle.analyse.statistics.paired_t import has_spread, paired_t
from saddle.analyse.statistics.power import FEWEST_SEEDS
from saddle.analyse.statistics.sign_flip import sign_flip_p
from saddle.analyse.verdict import Verdict, decide
from saddle.trial.outcome import METHOD_FAILURES
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
    """What is compared before it is judged: a name and its pairs."""

    name: str
    pairs: Pairs
    kind: Kind = "arm"

    @property
    def values(self) -> list[float]:
        return list(self.pairs.differences.values())

    @property
    def testable(self) -> bool:
        """Whether there are enough pairs, and spread among them, to say anything."""
        return len(self.values) >= FEWEST_SEEDS and has_spread(self.values)


def paired_effects(arms: Sequence[ArmValues], baseline: ArmValues, spec: ComparisonSpec) -> list[Effect]:
    """Each arm's effect against the baseline, adjusted over all of them."""
    return judge([Comparison(arm.arm, pair(arm, baseline)) for arm in arms], spec)


def judge(comparisons: Sequence[Comparison], spec: ComparisonSpec) -> list[Effect]:
    """The effects of one family of comparisons.

    Comparisons that can't be tested stay in the family with p = 1, so no verdict depends on what failed to run.
    """
    if not comparisons:
        return []
    tests = [paired_t(comparison.values) if comparison.testable else None for comparison in comparisons]
    p_all = [1.0 if test is None else float(test.p) for test in tests]
    adjusted = adjust(p_all, spec.correction)
    levels = local_alpha(p_all, spec.alpha, spec.correction)
    found = []
    for comparison, test, p_adjusted, local in zip(comparisons, tests, adjusted, levels, strict=True):
        effect = describe(comparison, spec)
        if test is not None:
            low, high = (float(end) for end in test.interval(local))
            effect = conclude(effect, spec, low, high, level=1 - float(local), p_adjusted=float(p_adjusted))
        found.append(effect)
    return found


def describe(comparison: Comparison, spec: ComparisonSpec) -> Effect:
    """A comparison with all that can be said before its interval: unsettled so far."""
    pairs, values = comparison.pairs, comparison.values
    sd = float(np.std(values, ddof=1)) if comparison.testable else None
    mean = _mean(values)
    test = paired_t(values) if comparison.testable else None
    hopeless = not values and (pairs.arm.method_failures or pairs.baseline.method_failures)
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
        more_seeds=FEWEST_SEEDS - len(values) if len(values) < FEWEST_SEEDS and not hopeless else None,
        differences=dict(pairs.differences),
        arm_mean=_mean([pairs.arm.values[seed] for seed in pairs.differences]),
        baseline_mean=_mean([pairs.baseline.values[seed] for seed in pairs.differences]),
        notes=_notes(comparison),
        kind=comparison.kind,
    )


def conclude(
    effect: Effect, spec: ComparisonSpec, low: float, high: float, *, level: float, p_adjusted: float
) -> Effect:
    """The effect with its interval, and the verdict that follows from it."""
    verdict = decide(low, high, spec.direction, spec.equivalence)
    notes = effect.notes
    if verdict is Verdict.EQUIVALENT and not low <= 0 <= high:
        notes = (*notes, "a difference is shown, but it is smaller than the study calls practical")
    more = more_seeds(effect, spec, 1 - level) if verdict is Verdict.UNSETTLED else None
    return replace(
        effect, verdict=verdict, low=low, high=high, level=level, p_adjusted=p_adjusted, notes=notes, more_seeds=more
    )


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
    for side in (pairs.arm, pairs.baseline):
        if side.method_failures and values:
            words = sorted({why for why in side.lost.values() if why in METHOD_FAILURES})
            notes.append(
                f"{side.arm} {' or '.join(words)} in {side.method_failures} of {len(side.values) + len(side.lost)}"
                " replicates, which the difference does not count: it flatters"
                f" {side.arm}"
            )
    return tuple(notes)
