"""The effects of a crossed design (main effects and two-way interactions, for instance), paired on seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from saddle.analyse.arms.comparison import Comparison, with_failures_counted
from saddle.analyse.arms.effect import Effect
from saddle.analyse.arms.effects import ComparisonSpec, judge
from saddle.analyse.arms.paired_values import MISSING, ArmValues, Pairs, pair
from saddle.design.arm import Arm
from saddle.design.contrasts import Contrast, Contrasts, Side
from saddle.design.registry import design_of
from saddle.study.ablation import Ablation
from trainables.contract import Direction


def contrast_effects(contrasts: Contrasts, measured: Sequence[ArmValues], spec: ComparisonSpec) -> list[Effect]:
    """The effects that contrasts of the measured arms are; main effects are one family, interactions another.

    A seed counts where every arm that a contrast needs has completed. The main effects are what a design is made for;
    with the interactions in their family, three factors at five seeds would be judged at a sixth of alpha.
    """
    judged: dict[str, Effect] = {}
    for kind in ("main effect", "interaction"):
        family = [
            comparison_of(contrast, measured, spec.direction) for contrast in contrasts.effects if contrast.kind == kind
        ]
        judged |= {effect.name: effect for effect in judge(family, spec)}
    return [
        replace(effect, notes=(*_notes(contrast), *effect.notes))
        for contrast in contrasts.effects
        for effect in [judged[contrast.name]]
    ]


def contrasts_of(ablation: Ablation, arms: Sequence[Arm]) -> Contrasts | None:
    """The contrasts that an ablation's effects are; None if they are those of each arm against the baseline."""
    return design_of(ablation).contrasts(ablation.factors, arms)


def unestimable(ablation: Ablation, arms: Sequence[Arm]) -> list[str]:
    """What exclusions took from the design: effects without arms, and the balance of a fraction, in sentences."""
    designed = contrasts_of(ablation, arms)
    if designed is None:
        return []
    sentences = []
    if designed.adjusted:
        sentences.append(
            f"Excluded arms leave a fraction that is not balanced: effects are estimated by least squares from"
            f" {len(arms)} arms, and their means are adjusted."
        )
    if designed.left_out:
        sentences.append(
            f"The remaining arms can't distinguish {', '.join(designed.left_out)} from other effects."
            if designed.adjusted
            else f"No remaining arms could show {', '.join(designed.left_out)}: the study excludes some of them."
        )
    return sentences


def comparison_of(contrast: Contrast, measured: Sequence[ArmValues], direction: Direction) -> Comparison:
    """The contrast's pairs, seed by seed; failures are counted at the worst value seen in any arm that it weighs."""
    places = sorted({*contrast.high.weights, *contrast.low.weights})
    filled = with_failures_counted([measured[place] for place in places], direction)
    counted = _pairs(contrast, dict(zip(places, filled, strict=True))) if filled else None
    return Comparison(contrast.name, _pairs(contrast, dict(enumerate(measured))), contrast.kind, counted)


def _pairs(contrast: Contrast, measured: Mapping[int, ArmValues]) -> Pairs:
    return pair(_side(contrast.high, measured), _side(contrast.low, measured))


def _side(side: Side, measured: Mapping[int, ArmValues]) -> ArmValues:
    """The weighted sum of several arms on the seeds that all of them completed."""
    parts = [(weight, measured[place]) for place, weight in side.weights.items()]
    seeds = sorted({seed for _, arm in parts for seed in (*arm.values, *arm.lost)})
    values: dict[int, float] = {}
    lost: dict[int, str] = {}
    lost_in: dict[int, str] = {}
    for seed in seeds:
        incomplete = [arm for _, arm in parts if seed not in arm.values]
        if incomplete:
            lost[seed] = incomplete[0].lost.get(seed, MISSING)
            lost_in |= {seed: incomplete[0].lost_in[seed]} if seed in incomplete[0].lost_in else {}
        else:
            values[seed] = math.fsum(weight * arm.values[seed] for weight, arm in parts)
    return ArmValues(side.name, values, lost, lost_in)


def _notes(contrast: Contrast) -> tuple[str, ...]:
    shares = (f"holds {contrast.shares_text}, which the remaining arms can't distinguish from it",)
    return (*((contrast.note,) if contrast.note else ()), *(shares if contrast.shares else ()))
