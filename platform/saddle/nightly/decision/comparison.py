"""Whether a change made anything worse: group sequential tests of paired differences, by Holm's method over all.

Each arm and metric is compared with its references seed by seed, one-sided at level α over all looks. A replicate that
failed, or whose metric was not a finite value, counts as the worst value seen on either side, as in an ablation. That
alone would overlook an arm of which half the replicates begin to fail, as the worst value is not far off: an arm with
failures on either side has a further comparison, of how many replicates fail.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from saddle.analyse.arms.comparison import compare
from saddle.analyse.arms.paired_values import NOT_FINITE, ArmValues
from saddle.nightly.decision.contrasts import FailureContrast, Look, MetricContrast
from saddle.nightly.decision.decision import MetricEffect
from saddle.nightly.decision.night import Measurement, Replicate
from saddle.nightly.decision.policy import Policy

Measured = Mapping[Replicate, Measurement]


class Contrast(Protocol):
    """One thing that may have become worse in an arm."""

    def is_worse(self, look: Look, level: float) -> bool:
        """Whether it is shown to be worse at this two-sided level."""

    def effect(self, look: Look, level: float, *, is_worse: bool) -> MetricEffect:
        """The effect, with an interval at this two-sided level."""


@dataclass(frozen=True)
class _Sides:
    """The two sides of a comparison over the same seeds."""

    references: Measured
    values: Measured
    seeds: Sequence[int]

    def of(self, arm: str, metric: str) -> tuple[ArmValues, ArmValues]:
        """An arm's values of a metric after the change, and its references."""
        after, before = (_values_of(side, arm, metric, self.seeds) for side in (self.values, self.references))
        return after, before


def compare_at(
    policy: Policy, look: Look, references: Measured, values: Measured, seeds: Sequence[int]
) -> tuple[MetricEffect, ...]:
    """The effect of every arm and metric at the look, over `seeds`, those that are worse marked."""
    contrasts = list(_contrasts(policy, _Sides(references, values, seeds)))
    levels = worse_levels(contrasts, look, 2 * policy.alpha)
    rest = 2 * policy.alpha / max(1, len(contrasts) - len(levels))
    effects = [
        contrast.effect(look, levels.get(place, rest), is_worse=place in levels)
        for place, contrast in enumerate(contrasts)
    ]
    return tuple(sorted(effects, key=lambda effect: (effect.arm, effect.metric)))


def worse_levels(contrasts: Sequence[Contrast], look: Look, level: float) -> dict[int, float]:
    """The places of the contrasts that are worse, each with the level it was tested at, by Holm's method.

    Those that are shown at the level over how many are left are set aside, until none is shown any more: Holm's steps,
    without p-values to order by.
    """
    levels: dict[int, float] = {}
    while len(levels) < len(contrasts):
        step = level / (len(contrasts) - len(levels))
        places = [
            place for place, contrast in enumerate(contrasts) if place not in levels and contrast.is_worse(look, step)
        ]
        if not places:
            break
        levels |= dict.fromkeys(places, step)
    return levels


def _contrasts(policy: Policy, sides: _Sides) -> Iterator[Contrast]:
    for arm in policy.arms:
        after_fails: set[int] = set()
        before_fails: set[int] = set()
        for watched in policy.watched:
            after, before = sides.of(arm, watched.metric)
            after_fails |= set(after.failures)
            before_fails |= set(before.failures)
            yield MetricContrast(arm, watched, compare(after, before, watched.direction))
        if after_fails or before_fails:
            yield FailureContrast(arm, frozenset(after_fails), frozenset(before_fails))


def _values_of(measured: Measured, arm: str, metric: str, seeds: Sequence[int]) -> ArmValues:
    """An arm's values of a metric; every replicate without one has failed."""
    values: dict[int, float] = {}
    failures: dict[int, str] = {}
    for seed in seeds:
        measurement = measured[Replicate(arm, seed)]
        value = None if measurement.has_failed else measurement.metrics.get(metric)
        if value is None:
            failures[seed] = measurement.outcome if measurement.has_failed else NOT_FINITE
        else:
            values[seed] = value
    return ArmValues(arm, values, failures)
