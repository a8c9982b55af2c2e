"""Arms ranked by several metrics that say the same in different ways, none of which is the metric.

Within each seed the arms are ranked by every metric, 1 being best and ties sharing a rank; an arm's value is the mean
of its ranks. These are compared as any metric is: paired by seed, adjusted over the arms of a group. A group is a claim
of its own, and nothing is adjusted over groups.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from saddle.analyse.arms.effect import Effect
from saddle.analyse.arms.effects import ComparisonSpec, paired_effects
from saddle.analyse.arms.paired_values import ArmValues
from trainables.contract import Metric


@dataclass(frozen=True)
class RankedGroup:
    """The arms by the mean of their ranks in a group of metrics, the baseline first, and how they differ from it."""

    name: str
    metrics: tuple[Metric, ...]
    arms: tuple[ArmValues, ...]
    effects: tuple[Effect, ...]

    @property
    def metric(self) -> Metric:
        """The mean rank as a metric."""
        return rank_metric(self.name, len(self.arms))


def rank_metric(group: str, arms: int) -> Metric:
    """The mean rank among so many arms."""
    return Metric("minimize", low=1.0, high=float(arms), name=f"mean rank ({group})")


def rank_group(name: str, measured: Mapping[Metric, Sequence[ArmValues]], spec: ComparisonSpec) -> RankedGroup | None:
    """The group of these metrics, each with the values of all arms, the baseline's first; None where none was measured.

    `spec` says how arms are compared; its metric, scale and margin are another's and don't count.
    """
    known = {metric: arms for metric, arms in measured.items() if any(arm.values for arm in arms)}
    if not known:
        return None
    ranked = mean_ranks(known)
    own = replace(spec, metric=rank_metric(name, len(ranked)), scale="linear", equivalence=None)
    return RankedGroup(name, tuple(known), tuple(ranked), tuple(paired_effects(ranked[1:], ranked[0], own)))


def mean_ranks(measured: Mapping[Metric, Sequence[ArmValues]]) -> list[ArmValues]:
    """Each arm's mean rank by seed, over the metrics that all arms have at that seed.

    A seed at which an arm has none of them is lost: ranks among fewer arms could not be compared with the others.
    """
    from scipy.stats import rankdata

    columns = list(measured.items())
    arms = columns[0][1]
    values: list[dict[int, float]] = [{} for _ in arms]
    lost: list[dict[int, str]] = [{} for _ in arms]
    for seed in sorted({seed for arm in arms for seed in (*arm.values, *arm.lost)}):
        complete = [(metric, each) for metric, each in columns if all(seed in arm.values for arm in each)]
        ranks = [rankdata([metric.cost(arm.values[seed]) for arm in each]) for metric, each in complete]
        for index, arm in enumerate(arms):
            if ranks:
                values[index][seed] = float(sum(rank[index] for rank in ranks) / len(ranks))
            else:
                lost[index][seed] = arm.lost[seed] if seed in arm.lost else _reason(arms, seed)
    return [ArmValues(arm.arm, values[index], lost[index]) for index, arm in enumerate(arms)]


def _reason(arms: Sequence[ArmValues], seed: int) -> str:
    """Why an arm has no rank at a seed at which it has values itself."""
    without = next((arm for arm in arms if seed in arm.lost), None)
    return f"not ranked, as {without.arm} has no value" if without is not None else "not ranked"
