"""Paired effects: how far an arm is from the baseline, how sure that is, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from saddle.analyse.holm import holm, local_alpha
from saddle.analyse.pairs import MISSING, Measured, Pairs, pair
from saddle.analyse.permutation import sign_flip_p
from saddle.analyse.student import PairedT, has_spread, paired_t
from saddle.analyse.verdict import FEWEST_SEEDS, Verdict, decide
from saddle.search.outcomes import METHOD_FAILURES
from trainables.contract import Direction

Kind = Literal["arm", "main effect", "interaction"]


@dataclass(frozen=True)
class Effect:
    """One comparison, in the metric's own unit: `mean` is arm minus baseline over the complete pairs.

    `low` to `high` is the t interval at `level`, chosen so that it leaves out zero exactly where Holm rejects; they
    and the p-values of the t test are None where the comparison is unsettled. `p_permutation` stands beside, and
    decides nothing.
    """

    name: str
    arm: str
    baseline: str
    metric: str
    direction: Direction
    verdict: Verdict
    n: int
    mean: float | None
    low: float | None = None
    high: float | None = None
    level: float | None = None
    p: float | None = None
    p_holm: float | None = None
    p_permutation: float | None = None
    differences: Mapping[int, float] = field(default_factory=dict)
    arm_mean: float | None = None
    baseline_mean: float | None = None
    notes: tuple[str, ...] = ()
    kind: Kind = "arm"


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


def paired_effects(
    arms: Sequence[Measured],
    baseline: Measured,
    metric: str,
    direction: Direction,
    *,
    alpha: float = 0.05,
    equivalence: float | None = None,
) -> list[Effect]:
    """Each arm's effect against the baseline, Holm-adjusted over all of them."""
    comparisons = [Comparison(arm.arm, pair(arm, baseline)) for arm in arms]
    return judge(comparisons, metric, direction, alpha=alpha, equivalence=equivalence)


def judge(
    comparisons: Sequence[Comparison],
    metric: str,
    direction: Direction,
    *,
    alpha: float = 0.05,
    equivalence: float | None = None,
) -> list[Effect]:
    """The effects of one family of comparisons.

    Comparisons that can't be tested stay in the family with p = 1, so no verdict depends on what failed to run.
    """
    tests = [paired_t(comparison.values) if comparison.testable else None for comparison in comparisons]
    p_all = [1.0 if test is None else float(test.p) for test in tests]
    adjusted = holm(p_all) if p_all else np.empty(0)
    levels = local_alpha(p_all, alpha) if p_all else np.empty(0)
    return [
        _effect(comparison, metric, direction, test, float(p_holm), float(local), equivalence)
        for comparison, test, p_holm, local in zip(comparisons, tests, adjusted, levels, strict=True)
    ]


def _effect(
    comparison: Comparison,
    metric: str,
    direction: Direction,
    test: PairedT | None,
    p_holm: float,
    local: float,
    equivalence: float | None,
) -> Effect:
    pairs = comparison.pairs
    known = Effect(
        name=comparison.name,
        arm=pairs.arm.arm,
        baseline=pairs.baseline.arm,
        metric=metric,
        direction=direction,
        verdict=Verdict.UNSETTLED,
        n=len(pairs.differences),
        mean=_mean(comparison.values),
        p_permutation=sign_flip_p(comparison.values) if comparison.values else None,
        differences=dict(pairs.differences),
        arm_mean=_mean([pairs.arm.values[seed] for seed in pairs.differences]),
        baseline_mean=_mean([pairs.baseline.values[seed] for seed in pairs.differences]),
        notes=_notes(comparison),
        kind=comparison.kind,
    )
    if test is None:
        return known
    low, high = (float(end) for end in test.interval(local))
    verdict = decide(low, high, direction, equivalence)
    notes = known.notes
    if verdict is Verdict.EQUIVALENT and not low <= 0 <= high:
        notes = (*notes, "a difference is shown, but it is smaller than the study calls practical")
    return replace(
        known,
        verdict=verdict,
        low=low,
        high=high,
        level=1 - local,
        p=float(test.p),
        p_holm=p_holm,
        notes=notes,
    )


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
