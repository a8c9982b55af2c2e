"""How many seeds an ablation's effects need, from the spread of paired differences that is stated or a pilot showed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy

from saddle.analyse.arms.contrast_effects import contrasts_of
from saddle.analyse.arms.effect import Kind
from saddle.analyse.arms.paired_values import ArmValues, pair
from saddle.analyse.statistics.power import FEWEST_SEEDS, detectable_effect, limits, power, seeds_needed
from saddle.analyse.statistics.sequential.group_sequential import critical_values
from saddle.analyse.statistics.sequential.sequential_power import detectable_by_look, power_by_look
from saddle.design import Arm
from saddle.design.contrasts import spread_factor
from saddle.study.ablation import Ablation
from saddle.study.seeds import MOST_RACED

WANTED = 0.8
"""The power that is customary to ask for."""
SHARED_BASELINE = 0.25
"""Two arms' differences from one baseline correlate by 1/2, and their variances by the square of that."""


@dataclass(frozen=True)
class Spread:
    """The standard deviation of paired differences of two arms, over seeds, and its source."""

    sd: float
    source: str
    low: float | None = None
    high: float | None = None
    """Its 95 % interval; None if it is stated."""


@dataclass(frozen=True)
class Need:
    """What effects of one kind need; `sd` is that of the contrast, over seeds.

    `detectable` is the effect shown with probability `WANTED` at the planned seeds. Everything is at the strictest step
    of the correction; other steps need less.
    """

    kind: Kind
    effects: int
    sd: float
    detectable: float
    power: float | None = None
    seeds: int | None = None
    """With how many seeds the effect asked for is shown with probability `WANTED`; None beyond 1,000, or `MOST_RACED`
    if there are interim looks."""
    detectable_first: float | None = None
    """The effect that the first of several looks shows with probability `WANTED`."""
    power_first: float | None = None


def needs(ablation: Ablation, arms: Sequence[Arm], spread: Spread, effect: float | None = None) -> list[Need]:
    """What the effects of an ablation need, kind by kind; `effect` is the true one that should be shown.

    A main effect of N arms is a mean of N/2 differences of two arms, if their noise is independent and of equal size.
    """
    needs = []
    kinds = _kinds(ablation, arms)
    for (kind, factor), count in kinds.items():
        comparisons = sum(size for (other, _), size in kinds.items() if other == kind)
        sd, alpha, planned = spread.sd * factor, ablation.compare.alpha, len(ablation.seed_list)
        if ablation.spending is not None:
            needs.append(_with_looks(ablation, Need(kind, count, sd, math.inf), effect))
            continue
        needs.append(
            Need(
                kind,
                count,
                sd,
                detectable_effect(sd, planned, alpha, comparisons, WANTED),
                None if effect is None else power(effect, sd, planned, alpha, comparisons),
                None if effect is None else seeds_needed(effect, sd, alpha, comparisons, WANTED),
            )
        )
    return needs


def _with_looks(ablation: Ablation, need: Need, effect: float | None) -> Need:
    """The need with what several looks can show, and the first of them."""
    looks, comparisons = ablation.looks, need.effects
    bounds = bounds_of(ablation, looks, comparisons)
    first, last = (need.sd * detectable_by_look(looks, bounds, WANTED, place) for place in (0, -1))
    if effect is None:
        return replace(need, detectable=last, detectable_first=first)
    by_look = power_by_look(effect / need.sd, looks, bounds)
    seeds = _seeds_with_looks(ablation, need, effect)
    return replace(
        need, detectable=last, detectable_first=first, power=by_look[-1], power_first=by_look[0], seeds=seeds
    )


def bounds_of(ablation: Ablation, looks: tuple[int, ...], comparisons: int) -> tuple[float, ...]:
    """The |t| that ends a comparison at each look, at the strictest step of Holm's correction."""
    assert ablation.spending is not None
    shares = tuple(look / looks[-1] for look in looks)
    return critical_values(looks, shares, ablation.compare.alpha / max(comparisons, 1), ablation.spending)


def _seeds_with_looks(ablation: Ablation, need: Need, effect: float) -> int | None:
    """The smallest `at_most` that shows the effect with probability `WANTED`: not fewer seeds than without looks."""

    def is_enough(most: int) -> bool:
        looks = ablation.looks_with(most)
        return power_by_look(effect / need.sd, looks, bounds_of(ablation, looks, need.effects))[-1] >= WANTED

    low = seeds_needed(effect, need.sd, ablation.compare.alpha, need.effects, WANTED)
    if low is None or low > MOST_RACED:
        return None
    low = max(low, ablation.looks[0] + 1)
    high = min(2 * low, MOST_RACED)
    if not is_enough(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle + 1, high)
    return low


def limits_of(ablation: Ablation, comparisons: int) -> list[str]:
    """What the seeds of an ablation can't show, in sentences (see `limits`)."""
    detectable, looks = None, ablation.looks
    if ablation.spending is not None and looks[-1] >= FEWEST_SEEDS:
        detectable = detectable_by_look(looks, bounds_of(ablation, looks, comparisons), WANTED, -1)
    return limits(looks[-1], comparisons, ablation.compare.alpha, detectable)


def effects_count(ablation: Ablation, arms: Sequence[Arm]) -> int:
    """How many effects are judged together, in the largest family."""
    kinds = _kinds(ablation, arms)
    return max(sum(size for (other, _), size in kinds.items() if other == kind) for kind, _ in kinds)


def _kinds(ablation: Ablation, arms: Sequence[Arm]) -> dict[tuple[Kind, float], int]:
    """The number of effects of each kind and spread, the latter against that of a difference of two arms."""
    designed = contrasts_of(ablation, arms)
    if designed is None:
        return {("arm", 1.0): len(arms) - 1}
    counts: dict[tuple[Kind, float], int] = {}
    for contrast in designed.effects:
        key: tuple[Kind, float] = (contrast.kind, round(spread_factor(contrast.weights), 9))
        counts[key] = counts.get(key, 0) + 1
    return counts


def pilot_spread(measured: Sequence[ArmValues], source: str) -> Spread | None:
    """The spread that a pilot's arms show, pooled over them, the baseline first; None without two pairs of an arm.

    The interval takes into account that all differences share the baseline's values.
    """
    differences = [list(pair(arm, measured[0]).differences.values()) for arm in measured[1:]]
    usable = [values for values in differences if len(values) > 1]
    if not usable:
        return None
    freedom = sum(len(values) - 1 for values in usable)
    variance = sum(float(np.var(values)) * len(values) for values in usable) / freedom
    if variance <= 0:
        return None
    effective = freedom / (1 + SHARED_BASELINE * (len(usable) - 1))
    low, high = (
        math.sqrt(variance * effective / float(scipy.special.chdtri(effective, 1 - share))) for share in (0.975, 0.025)
    )
    basis = f"{sum(map(len, usable))} pairs of {len(usable)} arm{'s' * (len(usable) > 1)}"
    return Spread(math.sqrt(variance), f"{source}: {basis}", low, high)
