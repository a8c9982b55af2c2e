"""From the `ablation` section of a study file to its arms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from saddle.design.arm import Arm
from saddle.design.components import OFF, ON, fields_of, is_component, refuse_shared_fields, stands_off, switched
from saddle.design.design import Design
from saddle.design.exclusions import without
from saddle.design.point import Levels, Point, Standing
from saddle.design.registry import design_of
from saddle.errors import DesignError
from saddle.study.ablation import Ablation
from saddle.study.values import canonical, readable, repeats, same, written


def make_arms(ablation: Ablation, baseline: Mapping[str, Any], settings: Mapping[str, Any] | None = None) -> list[Arm]:
    """The arms of an ablation, the baseline first.

    `baseline` is already resolved (with the parameters of `best_of`). `settings`, the study's own `fixed` and
    `evaluate`, only give the level of a factor that the baseline leaves open; they are not repeated in the arms.
    A factor that neither mentions has its first level in the baseline; a component is on there, unless the
    settings are those of its absence.

    Raises `DesignError` for a level listed twice, a factor without anything to vary, arms that can't be distinguished,
    or an exclusion that can't be kept, as it leaves a fraction without the main effect of a factor.
    """
    design, factors = design_of(ablation), ablation.factors
    _refuse_repeated_levels(factors)
    refuse_shared_fields(ablation, design)
    start, standing = _where_factors_stand(ablation, design, baseline, settings or {})
    points = without(design.points(factors, standing), ablation.exclude, factors)
    if ablation.exclude:
        design.check_exclusions(points, factors, standing, ablation.exclude)
    return _arms_at(points, ablation, start, standing)


def check_factor(ablation: Ablation, baseline: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    """Raise `DesignError` if the only factor of an ablation would make no arms of its design."""
    design = design_of(ablation)
    _refuse_repeated_levels(ablation.factors)
    start, standing = _where_factors_stand(ablation, design, baseline, settings)
    [(factor, levels)] = ablation.factors.items()
    _arms_at(design.points_of_factor(factor, levels, standing), ablation, start, standing)


def _where_factors_stand(
    ablation: Ablation, design: Design, baseline: Mapping[str, Any], settings: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The baseline's settings with all that the factors touch, and every factor's level in it.

    Every arm states every factor, so that an arm's settings (and its key) don't depend on defaults elsewhere.
    """
    settled: dict[str, Any] = {}
    standing: dict[str, Any] = {}
    for factor, levels in ablation.factors.items():
        if is_component(ablation, factor):
            standing[factor] = _begin_component(ablation, factor, baseline, settings, settled)
        elif factor in baseline:
            standing[factor] = baseline[factor]
        else:
            level = settings[factor] if factor in settings else _open_level(design, factor, levels)
            _settle(settled, factor, level, factor)
            standing[factor] = level
    return {**baseline, **settled}, standing


def _begin_component(
    ablation: Ablation, factor: str, baseline: Mapping[str, Any], settings: Mapping[str, Any], settled: dict[str, Any]
) -> str:
    component = ablation.components[factor]
    off = stands_off(component, {**settings, **baseline})
    for name in fields_of(ablation, factor):
        if name in baseline:
            continue
        if name in settings:
            _settle(settled, name, settings[name], factor)
        elif not off and name in component.on:
            _settle(settled, name, component.on[name], factor)
    return OFF if off else ON


def _settle(settled: dict[str, Any], name: str, value: Any, factor: str) -> None:
    if name in settled and not same(settled[name], value):
        raise DesignError(
            f"in the baseline {factor} sets {name} to {readable(value)}, and another factor to"
            f" {readable(settled[name])}; write {name} into baseline"
        )
    settled[name] = value


def _open_level(design: Design, factor: str, levels: list[Any]) -> Any:
    """The level of a factor that nothing else states."""
    if len(levels) < 2:
        raise DesignError(
            f"factor {factor} has the single level {readable(levels[0])} and the baseline does not say what it is"
            f" changed from; add {factor} to baseline, or a second level"
        )
    return design.level_in_baseline(levels)


def _arms_at(points: Sequence[Point], ablation: Ablation, start: Mapping[str, Any], standing: Standing) -> list[Arm]:
    arms = [_arm(ablation, point, start, standing) for point in points]
    _refuse_repeated_arms(arms)
    return arms


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


def _same_or_called_same(arm: Arm, other: Arm) -> bool:
    return arm.name == other.name or same(arm.settings, other.settings)
