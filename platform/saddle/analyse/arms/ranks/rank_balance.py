"""What a better rank costs: the front of a mean rank and the metric that it costs, and the recommended arm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from saddle.analyse.arms.guards import Guard
from saddle.analyse.arms.paired_values import ArmValues
from saddle.analyse.arms.ranks.mean_ranks import RankedGroup
from saddle.analyse.arms.verdict import Verdict
from saddle.analyse.text.formatting import Scale, listed
from trainables.contract import Metric


@dataclass(frozen=True)
class BalancedArm:
    """An arm's means over the seeds at which it has both: of the metric that is paid with, and of its mean rank."""

    arm: str
    paid: float
    rank: float
    on_front: bool


@dataclass(frozen=True)
class RankBalance:
    """The arms of a group with the baseline first, and which of them is recommended; `says` is the reason."""

    group: str
    paid: Metric
    arms: tuple[BalancedArm, ...]
    recommended: str | None
    says: str


def rank_balance(
    group: RankedGroup, paid: Metric, values: Sequence[ArmValues], guards: Sequence[Guard]
) -> RankBalance | None:
    """The balance of a group and a metric with the `values` of the same arms; None if no seed has both.

    Candidates are the arms on the front whose rank is shown to be better than the baseline's and that are shown to lose
    no more of the metric than their guard allows. The one with the best rank is recommended; without a guard none is.
    """
    by_name = {arm.arm: arm for arm in values}
    means = {
        arm.arm: (fmean(by_name[arm.arm].values[seed] for seed in seeds), fmean(arm.values[seed] for seed in seeds))
        for arm in group.arms
        if arm.arm in by_name and (seeds := sorted(arm.values.keys() & by_name[arm.arm].values.keys()))
    }
    if not means:
        return None
    costs = {name: (paid.cost(value), rank) for name, (value, rank) in means.items()}
    front = {name for name, cost in costs.items() if not any(_beats(other, cost) for other in costs.values())}
    arms = tuple(BalancedArm(name, value, rank, name in front) for name, (value, rank) in means.items())
    better = [effect.arm for effect in group.effects if effect.verdict in (Verdict.HELPS, Verdict.RESCUES)]
    of_paid = {guard.arm: guard for guard in guards if guard.metric.name == paid.name}
    cheap = [name for name in better if name in of_paid and of_paid[name].not_worse]
    eligible = [arm for arm in arms if arm.on_front and arm.arm in cheap]
    chosen = min(eligible, key=lambda arm: arm.rank, default=None)
    if chosen is not None:
        loss = _loss(paid, of_paid[chosen.arm].margin)
        reason = f"of the arms with a better mean rank that lose at most {loss} of {paid}, it has the best"
    else:
        reason = _why_none(group, paid, better, of_paid)
    return RankBalance(group.name, paid, arms, None if chosen is None else chosen.arm, reason)


def _beats(other: tuple[float, float], cost: tuple[float, float]) -> bool:
    return other != cost and other[0] <= cost[0] and other[1] <= cost[1]


def _why_none(group: RankedGroup, paid: Metric, better: Sequence[str], of_paid: Mapping[str, Guard]) -> str:
    """Why no arm is recommended, as a clause."""
    if not better:
        return f"no arm is shown to have a better mean rank than {group.arms[0].arm}"
    if not of_paid:
        return f"the study declares no accepted loss of {paid} (compare: not_worse)"
    loss = _loss(paid, max(guard.margin for guard in of_paid.values()))
    have = "has" if len(better) == 1 else "have"
    return f"{listed(better)} {have} a better mean rank, and none of them is shown to lose at most {loss} of {paid}"


def _loss(metric: Metric, margin: float) -> str:
    scale = Scale.of(metric, [margin])
    return f"{scale.amount(margin)}{scale.difference_suffix}"
