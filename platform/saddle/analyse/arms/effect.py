"""An effect: how far an arm is from the baseline, how sure that is, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from saddle.analyse.arms.verdict import Verdict
from saddle.analyse.statistics.paired.corrections import Correction
from saddle.analyse.statistics.power import FEWEST_SEEDS
from saddle.analyse.statistics.regression.mixed_model import MixedEffect
from saddle.analyse.statistics.scales import ScaleName
from trainables.contract import Direction, Metric

Kind = Literal["arm", "main effect", "interaction"]

LATER = " (added later)"
"""Behind the name of an arm that was added after results could be seen."""


@dataclass(frozen=True)
class FailuresCounted:
    """A comparison in which every replicate that failed has the worst value seen in either arm.

    `mean` is arm minus baseline over `n` pairs, `low` to `high` its interval at the effect's level; None if nothing
    can be tested. `arm` and `baseline`: how many of their replicates failed, of `arm_trained` and `baseline_trained`.
    """

    arm: int
    baseline: int
    arm_trained: int
    baseline_trained: int
    n: int
    mean: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Effect:
    """One comparison, in the metric's own unit: `mean` is arm minus baseline over the complete pairs.

    `low` to `high` is the t interval at `level`, chosen so that it leaves out zero exactly where `correction` rejects;
    they and the p-values of the t test (of the sign test, where the differences have no spread) are None if nothing can
    be tested. Under racing they hold at all looks together. What is reported in addition and decides nothing:
    `p_permutation`, of the exact sign-flip test; `p_equivalence`, of two one-sided t tests against the margin (TOST;
    Schuirmann, 1987), not adjusted; `size`, the mean in standard deviations of the differences, corrected for few pairs
    (Cohen's d_z by Hedges, 1981).
    """

    name: str
    arm: str
    baseline: str
    metric: Metric
    verdict: Verdict
    n: int
    mean: float | None
    low: float | None = None
    high: float | None = None
    level: float | None = None
    p: float | None = None
    p_adjusted: float | None = None
    correction: Correction = "holm"
    p_permutation: float | None = None
    p_equivalence: float | None = None
    sd: float | None = None
    size: float | None = None
    more_seeds: int | None = None
    """About how many more seeds would settle it, at the present rate; None if that can't be said."""
    settled_after: int | None = None
    """With how many pairs racing settled it; None if it did not race, or is not settled."""
    added_after: int | None = None
    """How many trials had ended when its arm was added to the study; None if that was before any had."""
    differences: Mapping[int, float] = field(default_factory=dict)
    arm_mean: float | None = None
    baseline_mean: float | None = None
    counted: FailuresCounted | None = None
    """The same with failures counted, where replicates of either arm failed; the verdict rests on both."""
    mixed: MixedEffect | None = None
    """The same from a mixed model of all replicates, in crossed designs that ask for it."""
    notes: tuple[str, ...] = ()
    reservations: tuple[str, ...] = ()
    """Objections to the arm in addition to its verdict, as clauses: guards that it fails (see `guards`)."""
    kind: Kind = "arm"
    scale: ScaleName = "linear"
    """Of the differences, their mean, interval and spread; the means of arm and baseline are in the metric's unit."""

    @property
    def later(self) -> str:
        """The suffix of the arm's displayed name: ` (added later)`, or nothing."""
        return "" if self.added_after is None else LATER

    @property
    def direction(self) -> Direction:
        """The metric's better direction."""
        return self.metric.direction

    @property
    def verdict_text(self) -> str:
        """The verdict as a reader wants it: `unsettled: needs about 4 more seeds`, `better where it works (3 of 8)`."""
        if self.verdict in (Verdict.BETTER_WHERE_IT_WORKS, Verdict.FAILS) and self.counted is not None:
            works = self.counted.arm_trained - self.counted.arm
            share = works if self.verdict is Verdict.BETTER_WHERE_IT_WORKS else self.counted.arm
            return f"{self.verdict} ({share} of {self.counted.arm_trained})"
        if self.verdict in (Verdict.HELPS, Verdict.RESCUES) and self.reservations:
            return f"{self.verdict}, with {'a reservation' if len(self.reservations) == 1 else 'reservations'}"
        if self.verdict is not Verdict.UNSETTLED or self.more_seeds is None:
            return str(self.verdict)
        about = "" if self.n + self.more_seeds == FEWEST_SEEDS else "about "
        return f"unsettled: needs {about}{self.more_seeds} more seed{'s' * (self.more_seeds != 1)}"
