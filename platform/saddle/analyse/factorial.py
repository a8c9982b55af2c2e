"""Main effects and two-way interactions of a factorial ablation, paired on seeds."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from saddle.analyse.effect import Effect
from saddle.analyse.effects import Comparison, Rule, judge
from saddle.analyse.pairs import Measured, pair
from saddle.design.arm import Arm
from saddle.design.point import name_of
from saddle.design.values import canonical, same

Cell = tuple[str, ...]
"""The canonical level of every factor, in the order of the study file."""


def factorial_effects(
    factors: Mapping[str, Sequence[Any]], arms: Sequence[Arm], measured: Sequence[Measured], rule: Rule
) -> list[Effect]:
    """The effect of every level against the baseline's, averaged over the other factors, then of every pair of levels.

    An interaction is a difference of differences: the effect of one level under another level, minus its effect
    under that factor's baseline level. All of them are one family. A seed counts where every arm that a
    contrast needs has completed.
    """
    grid = _Grid(factors, arms, measured)
    found = [grid.main_effect(factor, level) for factor in factors for level in grid.changes(factor)]
    for one, other in itertools.combinations(factors, 2):
        for level, other_level in itertools.product(grid.changes(one), grid.changes(other)):
            found.append(grid.interaction(one, level, other, other_level))
    return judge(found, rule)


class _Grid:
    """The measured arms, found by their levels."""

    def __init__(self, factors: Mapping[str, Sequence[Any]], arms: Sequence[Arm], measured: Sequence[Measured]) -> None:
        self.factors = factors
        self.baseline = next(arm for arm in arms if arm.is_baseline).settings
        self.cells: dict[Cell, Measured] = {
            tuple(canonical(arm.settings[factor]) for factor in factors): values
            for arm, values in zip(arms, measured, strict=True)
        }

    def changes(self, factor: str) -> list[Any]:
        """The levels of a factor that are not the baseline's."""
        return [level for level in self.factors[factor] if not same(level, self.baseline[factor])]

    def matching(self, levels: Mapping[str, Any]) -> list[Measured]:
        """The arms at the given levels, whatever the other factors; always in the same order of those."""
        axes = [
            [canonical(levels[factor])] if factor in levels else [canonical(level) for level in listed]
            for factor, listed in self.factors.items()
        ]
        return [self.cells[cell] for cell in itertools.product(*axes)]

    def main_effect(self, factor: str, level: Any) -> Comparison:
        changed, usual = ({factor: level}, {factor: self.baseline[factor]})
        pairs = pair(
            _combine(name_of(changed), [(1, arm) for arm in self.matching(changed)]),
            _combine(name_of(usual), [(1, arm) for arm in self.matching(usual)]),
        )
        return Comparison(name_of(changed), pairs, "main effect")

    def interaction(self, one: str, level: Any, other: str, other_level: Any) -> Comparison:
        def effect_under(setting: Any) -> Measured:
            with_it = self.matching({one: level, other: setting})
            without = self.matching({one: self.baseline[one], other: setting})
            parts = [*((1, arm) for arm in with_it), *((-1, arm) for arm in without)]
            return _combine(f"{name_of({one: level})} with {name_of({other: setting})}", parts)

        name = f"{name_of({one: level})} × {name_of({other: other_level})}"
        return Comparison(name, pair(effect_under(other_level), effect_under(self.baseline[other])), "interaction")


def _combine(name: str, parts: Iterable[tuple[int, Measured]]) -> Measured:
    """The signed mean of several arms on the seeds that all of them completed, over the number of added arms."""
    parts = list(parts)
    count = sum(sign > 0 for sign, _ in parts)
    seeds = sorted({seed for _, arm in parts for seed in (*arm.values, *arm.lost)})
    values: dict[int, float] = {}
    lost: dict[int, str] = {}
    for seed in seeds:
        gone = [arm.lost.get(seed, "not trained yet") for _, arm in parts if seed not in arm.values]
        if gone:
            lost[seed] = gone[0]
        else:
            values[seed] = float(np.sum([sign * arm.values[seed] for sign, arm in parts])) / count
    return Measured(name, values, lost)
