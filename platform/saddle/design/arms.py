"""From the `ablation` section of a study file to its arms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from saddle.design.arm import Arm, DesignError
from saddle.design.components import (
    OFF,
    ON,
    fields_of,
    is_component,
    refuse_shared_fields,
    stands_off,
    switched,
)
from saddle.design.exclude import without
from saddle.design.factorial import factorial
from saddle.design.fractional import fractional
from saddle.design.leave_one_out import leave_one_out
from saddle.design.lost import refuse_lost_main_effects
from saddle.design.one_factor import one_factor
from saddle.design.point import Levels, Point, Standing
from saddle.study.ablation import Ablation
from saddle.study.values import canonical, is_off, readable, repeats, same, written

__all__ = ["make_arms", "where_factors_stand"]


def make_arms(ablation: Ablation, baseline: Mapping[str, Any], settings: Mapping[str, Any] | None = None) -> list[Arm]:
    """The arms of an ablation, the baseline first.

    `baseline` is already resolved (with the parameters of `best_of`). `settings`, the study's own `fixed` and
    `evaluate`, only say where a factor stands that the baseline leaves open; they are not repeated in the arms.
    A factor that neither mentions stands at its first level in the baseline; a component is on there, unless the
    settings are those of its absence.

    Raises `DesignError` for a level listed twice, a factor without anything to vary, arms that can't be told apart, or
    an exclusion that can't be kept, as it leaves a fraction without the main effect of a factor.
    """
    _refuse_repeated_levels(ablation.factors)
    refuse_shared_fields(ablation)
    start, standing = where_factors_stand(ablation, baseline, settings or {})
    points = without(_points(ablation, standing), ablation.exclude, ablation.factors)
    if ablation.exclude and ablation.design.name == "fractional":
        refuse_lost_main_effects(points, ablation, standing)
    arms = [_arm(ablation, point, start, standing) for point in points]
    _refuse_repeated_arms(arms)
    return arms


def where_factors_stand(
    ablation: Ablation, baseline: Mapping[str, Any], settings: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The baseline's settings with all that the factors touch, and every factor's level in it.

    Every arm states every factor, so that an arm's settings (and its key) don't depend on defaults elsewhere.
    """
    found: dict[str, Any] = {}
    standing: dict[str, Any] = {}
    for factor, levels in ablation.factors.items():
        if is_component(ablation, factor):
            standing[factor] = _begin_component(ablation, factor, baseline, settings, found)
        elif factor in baseline:
            standing[factor] = baseline[factor]
        else:
            level = settings[factor] if factor in settings else _open_level(ablation.design.name, factor, levels)
            _settle(found, factor, level, factor)
            standing[factor] = level
    return {**baseline, **found}, standing


def _begin_component(
    ablation: Ablation, factor: str, baseline: Mapping[str, Any], settings: Mapping[str, Any], found: dict[str, Any]
) -> str:
    component = ablation.components[factor]
    off = stands_off(component, {**settings, **baseline})
    for name in fields_of(ablation, factor):
        if name in baseline:
            continue
        if name in settings:
            _settle(found, name, settings[name], factor)
        elif not off and name in component.on:
            _settle(found, name, component.on[name], factor)
    return OFF if off else ON


def _settle(found: dict[str, Any], name: str, value: Any, factor: str) -> None:
    if name in found and not same(found[name], value):
        raise DesignError(
            f"in the baseline {factor} sets {name} to {readable(value)}, and another factor to {readable(found[name])};"
            f" write {name} into baseline"
        )
    found[name] = value


def _open_level(design: str, factor: str, levels: list[Any]) -> Any:
    """The level of a factor that nothing else states."""
    if len(levels) < 2:
        raise DesignError(
            f"factor {factor} has the single level {readable(levels[0])} and the baseline does not say what it is"
            f" changed from; add {factor} to baseline, or a second level"
        )
    if design == "leave_one_out":
        # The baseline of this design has every component, in whatever order its levels are listed.
        return next((level for level in levels if not is_off(level)), levels[0])
    return levels[0]


def _points(ablation: Ablation, standing: Standing) -> list[Point]:
    if ablation.design.name == "fractional":
        return fractional(ablation.factors, standing, ablation.design.options.resolution)
    designs = {"one_factor": one_factor, "leave_one_out": leave_one_out, "factorial": factorial}
    return designs[ablation.design.name](ablation.factors, standing)


def _arm(ablation: Ablation, point: Point, start: Mapping[str, Any], standing: Standing) -> Arm:
    settings = dict(start)
    for factor, level in point.levels.items():
        if is_component(ablation, factor):
            settings |= switched(ablation, factor, level, standing[factor], start)
        else:
            settings[factor] = level
    return Arm(point.name, settings, point.factor, point.level, point.is_baseline, dict(point.levels))


def _refuse_repeated_levels(factors: Levels) -> None:
    for factor, levels in factors.items():
        if not levels:
            raise DesignError(f"factor {factor} has no levels; list at least two, such as {factor}: [on, off]")
        for index in repeats(levels)[:1]:
            raise DesignError(f"factor {factor} lists {readable(levels[index])} more than once")


def _refuse_repeated_arms(arms: list[Arm]) -> None:
    if len(arms) < 2:
        raise DesignError("the factors leave only the baseline; list a level that differs from it")
    names = Counter(arm.name for arm in arms)
    settings = Counter(canonical(arm.settings) for arm in arms)
    for arm in arms:
        if names[arm.name] > 1 or settings[canonical(arm.settings)] > 1:
            twin = next(other for other in arms if other is not arm and _same_or_called_same(other, arm))
            if same(twin.settings, arm.settings):
                raise DesignError(f"two arms are the same: {arm.name}; every level must give a different arm")
            levels = f"{written(arm.levels)} and {written(twin.levels)}"
            raise DesignError(f"two arms would both be called {arm.name}: {levels}; rename one of the levels")


def _same_or_called_same(one: Arm, other: Arm) -> bool:
    return one.name == other.name or same(one.settings, other.settings)
