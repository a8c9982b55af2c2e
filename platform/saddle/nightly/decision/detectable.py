"""What nights can see at all: how long a drop of some size takes to be noticed, given how much seeds vary."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import stdev

from saddle.analyse.statistics.sequential.cusum import batches_to_alarm
from saddle.analyse.statistics.sequential.sequential_power import power_by_look
from saddle.analyse.text.formatting import Scale, plural
from saddle.nightly.decision.contrasts import Look
from saddle.nightly.decision.cusum_rule import limit_of
from saddle.nightly.decision.history import History
from saddle.nightly.decision.night import Host
from saddle.nightly.decision.policy import Policy
from trainables.contract import Metric

WANTED_POWER = 0.8
"""With which a change is found within the nights that are named, on a deterministic machine."""

DROPS = (1.0, 2.0, 3.0)
"""In standard deviations of a metric over seeds."""


@dataclass(frozen=True)
class Detectable:
    """A metric of an arm whose values vary by `spread` over seeds, and nights until a drop is noticed, by its size.

    By the rule `exact` with a chance of 80 %, from the night of the change, which is the first; infinite where that is
    not reached. By the rule `cusum` the median, of a drop after thirty nights.
    """

    arm: str
    metric: str
    spread: float
    nights: Mapping[float, float]


def exact_power(policy: Policy, drop: float, spread: float) -> list[float]:
    """The chance that a drop is called worse by each night from that of the change on, at Holm's strictest step.

    `spread`: the standard deviation over seeds; a change redraws what a seed does, so that pairs are independent.
    """
    looks = policy.looks
    level = 2 * policy.alpha / policy.comparisons
    bounds = [Look(looks, place).bound(level) for place in range(len(looks))]
    return power_by_look(drop / (math.sqrt(2) * spread), looks, bounds)


def nights_to_drop(policy: Policy, drop: float, spread: float) -> float:
    """After how many nights a drop is noticed, as `Detectable` says it; infinite if it may never be."""
    if policy.rule == "cusum":
        return batches_to_alarm(drop / spread, policy.rotation, limit_of(policy))
    powers = exact_power(policy, drop, spread)
    return next((float(night) for night, power in enumerate(powers, start=1) if power >= WANTED_POWER), math.inf)


def detectable(history: History, host: Host, drops: Iterable[float] = DROPS) -> tuple[Detectable, ...]:
    """What each arm and metric of a host can show, from the spread of its references; those without any left out.

    `drops` are in standard deviations over seeds.
    """
    policy, nights = history.policy, {drop: nights_to_drop(history.policy, drop, 1.0) for drop in drops}
    spreads = {
        (arm, watched.metric): _spread(history, host, arm, watched.metric)
        for arm in sorted(policy.arms)
        for watched in policy.watched
    }
    return tuple(
        Detectable(*key, spread, {drop * spread: count for drop, count in nights.items()})
        for key, spread in spreads.items()
        if spread > 0
    )


def _spread(history: History, host: Host, arm: str, metric: str) -> float:
    """The standard deviation over seeds of what tonight's values are compared with; 0 below two of them."""
    values = history.tracks.reference_values(host, arm, metric)
    return stdev(values) if len(values) > 1 else 0.0


def in_words(stated: Detectable, metric: Metric) -> str:
    """`mp, test/accuracy: seeds vary by 1.0 points; a drop of 1.0 may go unnoticed; of 2.0 is noticed after …`."""
    scale = Scale.of(metric, [stated.spread])
    loss = "drop" if metric.direction == "maximize" else "rise"
    noticed = [_noticed(scale.amount(size), nights) for size, nights in sorted(stated.nights.items())]
    unit = scale.difference_suffix
    return f"{stated.arm}, {metric}: seeds vary by {scale.amount(stated.spread)}{unit}; a {loss} {'; '.join(noticed)}"


def _noticed(size: str, nights: float) -> str:
    is_noticed = math.isfinite(nights)
    return f"of {size} is noticed after {plural(int(nights), 'night')}" if is_noticed else f"of {size} may go unnoticed"
