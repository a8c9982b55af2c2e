"""Components among the factors: what they set, said by the study itself or declared by the trainable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from saddle.study.ablation import SWITCH, Component
from saddle.study.nearest import nearest
from saddle.studyfile.checks.settings import known_settings, mistakes_with
from saddle.studyfile.draft import Draft
from saddle.studyfile.problem import Path, show


def find_components(draft: Draft) -> None:
    """Note for every factor that is a component what it sets; refuse switches that nothing is known of."""
    own: Mapping[str, Component] = draft.ablation.get("components", {})
    declared = draft.loaded.components
    fields = draft.loaded.Config.model_fields
    factors = draft.ablation.get("factors", {})
    for name, levels in factors.items():
        if any(level not in SWITCH for level in levels):
            if name in own and name not in fields:
                what = f"{name} is a component, so it is on or off, not {show(_odd(levels))}"
                draft.refuse(draft.factor_paths[name], what, f"write {name}: [on, off]")
        elif name in own:
            draft.components[name] = own[name]
        elif name not in draft.switches and name in fields and not _mistakes(draft, name, levels[0]):
            continue  # a hyperparameter with the values "on" and "off"
        elif name in declared:
            draft.components[name] = Component(on=dict(declared[name].on), off=dict(declared[name].off))
        elif name in fields and fields[name].annotation is bool:
            draft.components[name] = Component(on={name: True}, off={name: False})
        elif name in draft.switches:
            _refuse_switch(draft, name, [*own, *declared, *_booleans(fields)], fields)
    for name in own:
        if name not in factors:
            near = nearest(name, factors)
            what = f"{name} is not a factor, so this component has no effect"
            draft.refuse(("ablation", "components", name), what, "" if near else "add it to factors", near)
    for name, component in own.items():
        if not _check_settings(draft, name, component):
            draft.components.pop(name, None)  # so that no arm is made of it


def _refuse_switch(draft: Draft, name: str, switches: list[str], fields: Mapping[str, Any]) -> None:
    path = draft.factor_paths[name]
    if name in fields:
        what = f"{name} is neither a component nor true or false, so it needs levels"
        draft.refuse(path, what, f"write factors: {{{name}: [A, B]}}")
        return
    near = nearest(name, [*switches, *fields])
    what = f"{draft.sections['trainable']} has no component or hyperparameter {show(name)}"
    draft.refuse(path, what, "" if near else f"components: {', '.join(switches) or 'none'}", near)


def _check_settings(draft: Draft, name: str, component: Component) -> bool:
    """Whether every setting of a component is one that the configuration takes."""
    problem_count = len(draft.problems)
    settings, _ = known_settings(draft)
    fields = draft.loaded.Config.model_fields
    for state, stated in (("on", component.on), ("off", component.off)):
        for field, value in stated.items():
            path: Path = ("ablation", "components", name, state, field)
            if field not in fields:
                what = f"{draft.sections['trainable']} has no {show(field)}"
                draft.refuse(path, what, "name a hyperparameter", nearest(field, fields))
                continue
            for mistake in mistakes_with(draft, {**settings, field: value}):
                if mistake.path[:1] == (field,):
                    draft.refuse((*path, *mistake.path[1:]), mistake.what, mistake.right, mistake.nearest)
    return len(draft.problems) == problem_count


def _mistakes(draft: Draft, name: str, level: Any) -> bool:
    return any(mistake.path[:1] == (name,) for mistake in mistakes_with(draft, {name: level}))


def _booleans(fields: Mapping[str, Any]) -> list[str]:
    return [name for name, info in fields.items() if info.annotation is bool]


def _odd(levels: list[Any]) -> Any:
    return next(level for level in levels if level not in SWITCH)
