"""Main effects and two-way interactions of a factorial or fractional ablation, paired on seeds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from saddle.analyse.effect import Effect
from saddle.analyse.effects import Comparison, Rule, judge
from saddle.analyse.pairs import MISSING, Measured, pair
from saddle.design.arm import Arm
from saddle.design.contrasts import Contrast, Contrasts, Side, contrasts
from saddle.study.ablation import Ablation


def factorial_effects(
    factors: Mapping[str, Sequence[Any]],
    arms: Sequence[Arm],
    measured: Sequence[Measured],
    rule: Rule,
    *,
    fraction: bool = False,
) -> list[Effect]:
    """The effects of `saddle.design.contrasts`; all of them are one family.

    A seed counts where every arm that a contrast needs has completed.
    """
    found = contrasts({name: list(levels) for name, levels in factors.items()}, arms, fraction=fraction).found
    effects = judge([comparison_of(contrast, measured) for contrast in found], rule)
    return [
        replace(effect, notes=(contrast.note, *effect.notes)) if contrast.note else effect
        for contrast, effect in zip(found, effects, strict=True)
    ]


def contrasts_of(ablation: Ablation, arms: Sequence[Arm]) -> Contrasts | None:
    """The contrasts that an ablation's effects are; None where they are those of each arm against the baseline."""
    if ablation.design.name not in ("factorial", "fractional"):
        return None
    return contrasts(ablation.factors, arms, fraction=ablation.design.name == "fractional")


def unestimable(ablation: Ablation, arms: Sequence[Arm]) -> list[str]:
    """Which effects exclusions left no arms for, in a sentence."""
    designed = contrasts_of(ablation, arms)
    if designed is None or not designed.left_out:
        return []
    return [f"No arms are left that could show {', '.join(designed.left_out)}: the study excludes some of them."]


def comparison_of(contrast: Contrast, measured: Sequence[Measured]) -> Comparison:
    """The contrast's pairs, seed by seed."""
    return Comparison(contrast.name, pair(_side(contrast.high, measured), _side(contrast.low, measured)), contrast.kind)


def _side(side: Side, measured: Sequence[Measured]) -> Measured:
    added = [(1, measured[place]) for place in side.added]
    return _combine(side.name, [*added, *((-1, measured[place]) for place in side.subtracted)])


def _combine(name: str, parts: Iterable[tuple[int, Measured]]) -> Measured:
    """The signed mean of several arms on the seeds that all of them completed, over the number of added arms."""
    parts = list(parts)
    count = sum(sign > 0 for sign, _ in parts)
    seeds = sorted({seed for _, arm in parts for seed in (*arm.values, *arm.lost)})
    values: dict[int, float] = {}
    lost: dict[int, str] = {}
    lost_in: dict[int, str] = {}
    for seed in seeds:
        gone = [arm for _, arm in parts if seed not in arm.values]
        if gone:
            lost[seed] = gone[0].lost.get(seed, MISSING)
            lost_in |= {seed: gone[0].lost_in[seed]} if seed in gone[0].lost_in else {}
        else:
            values[seed] = float(np.sum([sign * arm.values[seed] for sign, arm in parts])) / count
    return Measured(name, values, lost, lost_in)
