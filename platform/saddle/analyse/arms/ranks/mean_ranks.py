"""Arms ranked by several metrics that measure the same in different ways, none of which is the study's metric.

For every metric each seed's mean over the arms is subtracted, all trials are ranked together by the remainder (aligned
ranks; Hodges and Lehmann, 1962), and ranks become shares of the number of trials (percentile ranks; 0 is best). An
arm's value at a seed is the mean over the metrics. Values are compared as those of any metric are: paired by seed,
adjusted over the arms of a group. Each group is a separate claim, and nothing is adjusted over groups.

Ranks within each seed would not do: where an arm is the best at every seed, they have no spread, and five seeds are too
few for a sign test.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

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
        """The mean percentile rank as a metric."""
        return rank_metric(self.name)


def rank_metric(group: str) -> Metric:
    """The mean percentile rank as a metric."""
    return Metric("minimize", unit="fraction", name=f"mean percentile rank ({group})")


def rank_group(name: str, measured: Mapping[Metric, Sequence[ArmValues]], spec: ComparisonSpec) -> RankedGroup | None:
    """The group of these metrics, each with the values of all arms, the baseline's first; None if none was measured.

    `spec` says how arms are compared; its metric, scale and margin are ignored.
    """
    with_values = {metric: arms for metric, arms in measured.items() if any(arm.values for arm in arms)}
    if not with_values:
        return None
    ranked = mean_ranks(with_values)
    own = replace(spec, metric=rank_metric(name), scale="linear", equivalence=None)
    return RankedGroup(name, tuple(with_values), tuple(ranked), tuple(paired_effects(ranked[1:], ranked[0], own)))


def mean_ranks(measured: Mapping[Metric, Sequence[ArmValues]]) -> list[ArmValues]:
    """Each arm's mean percentile rank by seed, over the metrics of which all arms have a value at that seed.

    A seed at which there is no such metric is lost.
    """
    arms = next(iter(measured.values()))
    shares: dict[int, list[np.ndarray[Any, Any]]] = {}
    for metric, values in measured.items():
        seeds = sorted(set(values[0].values).intersection(*(arm.values for arm in values)))
        if seeds:
            for seed, column in zip(seeds, percentile_ranks(metric, values, seeds).T, strict=True):
                shares.setdefault(seed, []).append(column)
    means = {seed: np.mean(columns, axis=0) for seed, columns in shares.items()}
    return [
        ArmValues(
            arm.arm,
            {seed: float(mean[index]) for seed, mean in sorted(means.items())},
            {seed: _why_lost(arm, arms, seed) for seed in sorted({*arm.values, *arm.lost} - means.keys())},
        )
        for index, arm in enumerate(arms)
    ]


def percentile_ranks(metric: Metric, arms: Sequence[ArmValues], seeds: Sequence[int]) -> np.ndarray[Any, Any]:
    """The aligned percentile ranks (arms, seeds) of arms that have a value at all of these seeds; ties share a rank."""
    from scipy.stats import rankdata

    costs = np.array([[metric.cost(_on_scale(metric, arm.values[seed])) for seed in seeds] for arm in arms])
    aligned = costs - costs.mean(axis=0)
    largest = float(np.abs(costs).max()) or 1.0
    ranks = rankdata(np.round(aligned / largest, ROUNDED))  # what differs by rounding alone ties
    shares: np.ndarray[Any, Any] = (ranks.reshape(costs.shape) - 0.5) / costs.size
    return shares


def _on_scale(metric: Metric, value: float) -> float:
    return float(np.log(max(value, LEAST))) if metric.scale == "log" else value


def _why_lost(arm: ArmValues, arms: Sequence[ArmValues], seed: int) -> str:
    """Why an arm has no rank at a seed at which it may have values itself."""
    if seed in arm.lost:
        return arm.lost[seed]
    without = next((other for other in arms if seed in other.lost), None)
    return f"not ranked, as {without.arm} has no value" if without is not None else "not ranked"


ROUNDED = 12
"""Decimals, relative to the largest value, to which values are compared."""
LEAST = 1e-300
"""Replaces a value of 0 where a metric is compared on logarithms."""
