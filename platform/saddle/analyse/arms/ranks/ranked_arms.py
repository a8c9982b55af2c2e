"""The mean ranks that a study asks for (`compare: {ranks: …}`): verdicts, what they follow, and what they cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from saddle.analyse.arms.effects import ComparisonSpec
from saddle.analyse.arms.guards import Guard
from saddle.analyse.arms.paired_values import ArmValues
from saddle.analyse.arms.ranks.mean_ranks import RankedGroup, rank_group
from saddle.analyse.arms.ranks.rank_balance import RankBalance, rank_balance
from saddle.analyse.arms.ranks.rank_response import RankResponse, rank_response
from saddle.study.ablation import Ablation
from saddle.study.trainable.declarations import Declarations
from saddle.study.trainable.metrics import matching

Measure = Callable[[str], Sequence[ArmValues]]
"""A metric → every arm's values of it, the baseline's first."""


@dataclass(frozen=True)
class RankedArms:
    """A group with details.

    `response`: how its mean rank follows the compared metric over the arms; `partial`: the same with the metric that
    the compared one can't exceed held constant. `balance`: the front of that metric and the mean rank. None if there
    is no such metric, or too little data.
    """

    group: RankedGroup
    response: RankResponse | None
    partial: RankResponse | None
    balance: RankBalance | None


def ranked_arms(
    ablation: Ablation,
    measure: Measure,
    measured_names: Sequence[str],
    declared: Declarations,
    spec: ComparisonSpec,
    guards: Sequence[Guard],
) -> list[RankedArms]:
    """Every group that the study declares and of which anything was measured."""
    compared = list(measure(spec.metric.name))
    paid = declared.metric(spec.metric.clean) if spec.metric.clean else None
    paid_values = list(measure(paid.name)) if paid is not None else []
    groups = []
    for name, patterns in ablation.compare.ranks.items():
        metrics = [declared.metric(metric) for metric in matching(patterns, measured_names)]
        group = rank_group(name, {metric: measure(metric.name) for metric in metrics}, spec)
        if group is None:
            continue
        partial = rank_response(group.arms, [compared, paid_values]) if paid is not None else None
        balance = rank_balance(group, paid, paid_values, guards) if paid is not None else None
        groups.append(RankedArms(group, rank_response(group.arms, [compared]), partial, balance))
    return groups
