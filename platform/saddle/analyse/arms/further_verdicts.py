"""Verdicts on further metrics (`compare: {each: …}`), each metric a separate question.

Arms are judged by each metric as by the study's own: paired over seeds, failures counted, and adjusted over the arms by
the study's correction. So the error rate is that of each metric. Over all metrics more claims are made, and some of
them will be wrong: each verdict also says whether it holds where all arms and all metrics are one family.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from saddle.analyse.arms.blocks import comparisons_in
from saddle.analyse.arms.comparison import Comparison
from saddle.analyse.arms.effect import Effect
from saddle.analyse.arms.effects import ComparisonSpec, judge
from saddle.analyse.statistics.paired.corrections import adjust
from saddle.design import Arm
from saddle.design.blocks import block_list
from saddle.study.ablation import Ablation
from saddle.study.trainable.declarations import Declarations
from saddle.study.trainable.metrics import matching
from saddle.trial.record import TrialRecord


@dataclass(frozen=True)
class FurtherVerdict:
    """The effect of an arm on a further metric; `p_over_all` is adjusted over all arms and all further metrics."""

    effect: Effect
    p_over_all: float

    def holds_over_all(self, alpha: float) -> bool:
        """Whether the difference is shown with all metrics as one family, too."""
        return self.p_over_all <= alpha


def further_verdicts(
    ablation: Ablation,
    arms: Sequence[Arm],
    entries: Sequence[TrialRecord],
    declared: Declarations,
    *,
    any_time: bool = False,
) -> tuple[FurtherVerdict, ...]:
    """Every effect but interactions on every metric that `each` names and a trial has, metric by metric.

    `any_time`: whether seeds were added after a look. A race stops arms by another metric, so its tests here must hold
    at any stopping time.
    """
    compare = ablation.compare
    names = matching(compare.each, {name for entry in entries for name in entry.metrics})
    any_time = any_time or ablation.spending is not None
    judged: list[tuple[Comparison, Effect]] = []
    for metric in map(declared.metric, names):
        spec = ComparisonSpec(metric, compare.alpha, compare.correction, any_time=any_time)
        family = [
            comparison
            for comparison in comparisons_in(ablation, arms, entries, spec, block_list(ablation.blocks))
            if comparison.kind != "interaction"
        ]
        judged += zip(family, judge(family, spec), strict=True)
    tested = [replace(comparison, any_time=any_time) for comparison, _ in judged]
    adjusted = adjust([comparison.decisive_p for comparison in tested], "holm") if tested else ()
    return tuple(FurtherVerdict(effect, float(p)) for (_, effect), p in zip(judged, adjusted, strict=True))
