"""From the `ablation` section of a study file to its arms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from saddle.design.arm import Arm, DesignError, Replicate, replicates
from saddle.design.factorial import factorial
from saddle.design.leave_one_out import leave_one_out
from saddle.design.one_factor import one_factor
from saddle.design.values import canonical, is_off, readable, same
from saddle.study.models import Ablation

__all__ = ["Arm", "DesignError", "Replicate", "make_arms", "replicates"]

Levels = Mapping[str, list[Any]]

DESIGNS: dict[str, Callable[[Levels, Mapping[str, Any]], list[Arm]]] = {
    "one_factor": one_factor,
    "leave_one_out": leave_one_out,
    "factorial": factorial,
}


def make_arms(ablation: Ablation, baseline: Mapping[str, Any], settings: Mapping[str, Any] | None = None) -> list[Arm]:
    """The arms of an ablation, the baseline first.

    `baseline` is already resolved (with the parameters of `best_of`). `settings`, the study's own `fixed` and
    `evaluate`, only say where a factor stands that the baseline leaves open; they are not repeated in the arms.
    A factor that neither mentions stands at its first level in the baseline.

    Raises `DesignError` for a level listed twice, a factor without anything to vary, or arms that can't be told apart.
    """
    _refuse_repeated_levels(ablation.factors)
    # Every arm states every factor, so that an arm's settings (and its key) don't depend on defaults elsewhere.
    start = {**baseline, **_open_factors(ablation, baseline, settings or {})}
    arms = DESIGNS[ablation.design.name](ablation.factors, start)
    _refuse_repeated_arms(arms)
    return arms


def _open_factors(ablation: Ablation, baseline: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for factor, levels in ablation.factors.items():
        if factor in baseline:
            continue
        if factor in settings:
            found[factor] = settings[factor]
        elif len(levels) > 1:
            found[factor] = _first_level(ablation.design.name, levels)
        else:
            raise DesignError(
                f"factor {factor} has the single level {readable(levels[0])} and the baseline does not say what it is"
                f" changed from; add {factor} to baseline, or a second level"
            )
    return found


def _first_level(design: str, levels: list[Any]) -> Any:
    if design == "leave_one_out":
        # The baseline of this design has every component, in whatever order its levels are listed.
        return next((level for level in levels if not is_off(level)), levels[0])
    return levels[0]


def _refuse_repeated_levels(factors: Levels) -> None:
    for factor, levels in factors.items():
        if not levels:
            raise DesignError(f"factor {factor} has no levels; list at least two, such as {factor}: [on, off]")
        for index, level in enumerate(levels):
            if any(same(level, earlier) for earlier in levels[:index]):
                raise DesignError(f"factor {factor} lists {readable(level)} more than once")


def _refuse_repeated_arms(arms: list[Arm]) -> None:
    if len(arms) < 2:
        raise DesignError("the factors leave only the baseline; list a level that differs from it")
    names = Counter(arm.name for arm in arms)
    settings = Counter(canonical(arm.settings) for arm in arms)
    for arm in arms:
        if names[arm.name] > 1 or settings[canonical(arm.settings)] > 1:
            raise DesignError(f"two arms are the same: {arm.name}; every level must give a different arm")
