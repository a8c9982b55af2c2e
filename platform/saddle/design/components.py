"""Components: parts that arms have or lack, each in one or several hyperparameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from saddle.design.blocks import settings_of
from saddle.design.design import Design
from saddle.errors import DesignError
from saddle.study.ablation import SWITCH, Ablation, Component
from saddle.study.values import readable, same

ON, OFF = SWITCH


def is_component(ablation: Ablation, factor: str) -> bool:
    """Whether a factor is a component; one of a component's name that lists other levels is the hyperparameter."""
    return factor in ablation.components and all(level in SWITCH for level in ablation.factors[factor])


def fields_of(ablation: Ablation, factor: str) -> list[str]:
    """The hyperparameters that a factor sets."""
    if not is_component(ablation, factor):
        return [factor]
    component = ablation.components[factor]
    return list(dict.fromkeys([*component.on, *component.off]))


def varied(ablation: Ablation) -> list[str]:
    """The hyperparameters in which trials of the ablation differ."""
    of_factors = (name for factor in ablation.factors for name in fields_of(ablation, factor))
    return list(dict.fromkeys([*of_factors, *settings_of(ablation.blocks)]))


def settings_at(ablation: Ablation, factor: str, level: Any) -> dict[str, Any]:
    """What a level of a factor says by itself, regardless of the baseline."""
    if not is_component(ablation, factor):
        return {factor: level}
    component = ablation.components[factor]
    return dict(component.on if level == ON else component.off)


def stands_off(component: Component, stated: Mapping[str, Any]) -> bool:
    """Whether the settings stated are those of its absence."""
    return all(field in stated and same(stated[field], value) for field, value in component.off.items())


def switched(
    ablation: Ablation, factor: str, level: str, standing: str, baseline: Mapping[str, Any]
) -> Mapping[str, Any]:
    """What an arm with the component at `level` adds to the baseline's settings, which have it at `standing`.

    Raises `DesignError` if nothing says what switches it on.
    """
    component = ablation.components[factor]
    if level == standing:
        return {}
    if level == OFF:
        return component.off
    unsaid = sorted(set(component.off) - set(component.on))
    if unsaid:
        settings = ", ".join(f"{name}: {readable(baseline[name])}" for name in unsaid)
        raise DesignError(
            f"{factor} is off in the baseline ({settings}), and its setting when on is unknown; leave"
            f" {', '.join(unsaid)} out of baseline and fixed, or write components: {{{factor}: {{on: …, off: …}}}}"
        )
    return component.on


def refuse_shared_fields(ablation: Ablation, design: Design) -> None:
    """Raise `DesignError` if two factors set the same hyperparameter and arms combine them."""
    if not design.crossed:
        return
    owner: dict[str, str] = {}
    for factor in ablation.factors:
        for name in fields_of(ablation, factor):
            if name in owner:
                raise DesignError(
                    f"{owner[name]} and {factor} both set {name}, so their combinations are meaningless; drop one of "
                    "them, or use design: one_factor"
                )
            owner[name] = factor
