"""Guards: metrics that an arm must not worsen (`compare: {not_worse: {METRIC: margin}}`), tested as non-inferiority.

For each arm and guard, a one-sided paired t test of the mean difference in the metric's better direction against minus
the margin (Blackwelder, 1982, Controlled Clinical Trials 3), at α/2 as the verdicts' sides are, with Holm's method over
all arms and guards. Failures count as in the verdicts: an arm is not worse only where that also holds with each at the
worst value seen in either arm. Where seeds were added after a look, the test is the two-sided one that holds at any
stopping time, which for one side is cautious.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy

from saddle.analyse.arms.blocks import comparisons_in
from saddle.analyse.arms.comparison import Comparison
from saddle.analyse.arms.effect import Effect
from saddle.analyse.arms.effects import ComparisonSpec
from saddle.analyse.statistics.paired.corrections import adjust, local_alpha
from saddle.analyse.statistics.paired.paired_t import has_spread
from saddle.analyse.statistics.power import FEWEST_SEEDS
from saddle.analyse.statistics.sequential.any_time import any_time_p
from saddle.analyse.text.formatting import Scale
from saddle.design import Arm
from saddle.design.blocks import block_list
from saddle.study.ablation import Ablation
from saddle.study.trainable.declarations import Declarations
from saddle.trial.record import TrialRecord
from trainables.contract import Metric


@dataclass(frozen=True)
class Guard:
    """One effect on one guarded metric: `mean` is arm minus baseline over `n` pairs, in the metric's unit.

    `low` to `high` leaves minus the margin (in the better direction) out exactly where the arm is shown to be not worse
    than it, or worse; None if nothing can be tested. `p_adjusted` is one-sided.
    """

    effect: str
    arm: str
    metric: Metric
    margin: float
    n: int
    mean: float | None
    p_adjusted: float
    low: float | None = None
    high: float | None = None
    not_worse: bool = False

    @property
    def is_worse(self) -> bool:
        """Whether it is shown to be worse by more than the margin."""
        if self.low is None or self.high is None:
            return False
        return self.high < -self.margin if self.metric.direction == "maximize" else self.low > self.margin

    @property
    def reservation(self) -> str:
        """The objection to the arm, as a clause; empty if it is not worse."""
        if self.not_worse:
            return ""
        scale = Scale.of(self.metric, [] if self.low is None or self.high is None else [(self.high - self.low) / 2])
        by = f"by more than {scale.amount(self.margin)}{scale.difference_suffix}"
        size = "too few pairs" if self.mean is None or self.low is None else (
            f"{scale.difference(self.mean)}, {scale.interval(self.low, self.high)}"
        )  # fmt: skip
        if self.is_worse:
            return f"it is worse in {self.metric} {by} ({size})"
        return f"it could not be shown that it is not worse in {self.metric} {by} ({size})"


def guards_of(
    ablation: Ablation,
    arms: Sequence[Arm],
    entries: Sequence[TrialRecord],
    declared: Declarations,
    *,
    any_time: bool = False,
) -> tuple[Guard, ...]:
    """Every effect but interactions on every guarded metric, judged as one family; none if nothing is guarded."""
    tested: list[tuple[Comparison, Metric, float]] = []
    for name, margin in ablation.compare.not_worse.items():
        metric = declared.metric(name)
        spec = ComparisonSpec(metric)
        comparisons = comparisons_in(ablation, arms, entries, spec, block_list(ablation.blocks))
        tested += [
            (replace(comparison, any_time=any_time), metric, margin)
            for comparison in comparisons
            if comparison.kind != "interaction"
        ]
    return tuple(judge_guards(tested, ablation.compare.alpha))


def judge_guards(tested: Sequence[tuple[Comparison, Metric, float]], alpha: float) -> list[Guard]:
    """One family of comparisons, each with its metric and margin."""
    if not tested:
        return []
    p_all = [_p_of(comparison, metric, margin) for comparison, metric, margin in tested]
    adjusted, levels = adjust(p_all, "holm"), local_alpha(p_all, alpha / 2, "holm")
    guards = []
    for (comparison, metric, margin), p, level in zip(tested, adjusted, levels, strict=True):
        values = comparison.values
        low, high = _ends(comparison, float(level))
        mean = float(np.mean(values)) if values else None
        arm, passes = comparison.pairs.arm.arm, float(p) <= alpha / 2
        guards.append(Guard(comparison.name, arm, metric, margin, len(values), mean, float(p), low, high, passes))
    return guards


def _ends(comparison: Comparison, level: float) -> tuple[float, float] | tuple[None, None]:
    """The interval whose two sides are tested at `level`; none if nothing can be tested, or too few pairs are."""
    if comparison.test is None:
        return None, None
    low, high = comparison.test.interval(level if comparison.any_time else 2 * level)
    return (float(low), float(high)) if math.isfinite(low) else (None, None)


def with_reservations(effects: Sequence[Effect], guards: Sequence[Guard]) -> tuple[Effect, ...]:
    """The effects with the reservations that their guards raise."""
    reservations: Mapping[str, list[str]] = {effect.name: [] for effect in effects}
    for guard in guards:
        if guard.reservation and guard.effect in reservations:
            reservations[guard.effect].append(guard.reservation)
    return tuple(replace(effect, reservations=(*effect.reservations, *reservations[effect.name])) for effect in effects)


def _p_of(comparison: Comparison, metric: Metric, margin: float) -> float:
    """One-sided p that the arm is worse by the margin, the larger of that without and with failures counted."""
    sign = 1.0 if metric.direction == "maximize" else -1.0
    ways = [comparison.values, comparison.counted_values]
    return max(not_worse_p([sign * value for value in values], margin, any_time=comparison.any_time) for values in ways)


def not_worse_p(differences: Sequence[float], margin: float, *, any_time: bool = False) -> float:
    """The one-sided p of the hypothesis that the mean of `differences`, larger being better, is -`margin` or below.

    Of differences without spread it is that of the sign test; 1 with fewer than three.
    """
    n = len(differences)
    if n < FEWEST_SEEDS:
        return 1.0
    values = np.asarray(differences) + margin
    if not has_spread(differences):
        return float(2.0**-n) if values.mean() > 0 else 1.0
    t = float(values.mean() / values.std(ddof=1) * math.sqrt(n))
    if any_time:
        return any_time_p(t, n) if t > 0 else 1.0
    return float(scipy.special.stdtr(n - 1, -t))
