"""Values against the trainable's configuration: their names, types and ranges, and whether they fit each other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from saddle.design.blocks import MACHINE
from saddle.study.nearest import nearest
from saddle.studyfile.draft import Draft
from saddle.studyfile.problem import Path, show
from saddle.studyfile.validation_messages import Mistake, explain, field_adapter
from trainables.contract import Resolved, resolve

Settings = Mapping[str, Any]
Paths = Mapping[str, Path]
"""Where each setting was given; settings without a path are known to be right, or reported elsewhere."""


def check_names(draft: Draft) -> None:
    """Every setting, searched parameter and factor is a field of the configuration, and is given once."""
    fields = draft.loaded.Config.model_fields
    places: list[Path] = []
    for section in ("fixed", "search", "evaluate"):
        places += [(section, name) for name in draft.mapping(section)]
    places += [("ablation", part, name) for part in ("baseline", "blocks") for name in draft.ablation.get(part, {})]
    for path in places:
        if path[-1] not in fields and path != ("ablation", "blocks", MACHINE):
            refuse_name(draft, path, str(path[-1]), fields)
    known = {*fields, *draft.components, *draft.switches, *draft.ablation.get("components", {})}
    for name, path in draft.factor_paths.items():
        if name not in known:
            refuse_name(draft, path, name, [*fields, *draft.loaded.components])
    for section, other in (("search", "fixed"), ("search", "evaluate"), ("evaluate", "fixed")):
        for name in draft.mapping(section):
            if name in draft.mapping(other):
                place = draft.document.place((other, name))
                line = f"line {place.line}" if place.line else place.file
                draft.refuse((section, name), f"{name} is in {other}, too ({line})", "keep one of them")


def refuse_name(draft: Draft, path: Path, name: str, names: Iterable[str]) -> None:
    """Refuse a name that is not a hyperparameter, with the nearest of `names`."""
    component = draft.loaded.components.get(name)
    if component is not None:
        settings = ", ".join(f"{field}: {show(value)}" for field, value in component.off.items())
        what = f"{name} is a component, which is short for settings"
        draft.refuse(path, what, f"write those themselves, such as {settings} to switch it off")
        return
    near = nearest(name, names)
    right = "" if near else f"it has: {', '.join(draft.loaded.Config.model_fields)}"
    draft.refuse(path, f"{draft.sections['trainable']} has no {show(name)}", right, near)


def known_settings(draft: Draft) -> tuple[dict[str, Any], dict[str, Path]]:
    """`fixed` and `evaluate` as far as the configuration knows their names, and the place of each."""
    settings: dict[str, Any] = {}
    paths: dict[str, Path] = {}
    for section in ("fixed", "evaluate"):
        for name, value in draft.mapping(section).items():
            if name in draft.loaded.Config.model_fields and not draft.document.is_broken((section, name)):
                settings[name], paths[name] = value, (section, name)
    return settings, paths


def check_settings(draft: Draft) -> None:
    """Each value of `fixed` and `evaluate` is of the right type and in its range."""
    settings, paths = known_settings(draft)
    for mistake in mistakes_with(draft, settings):
        if mistake.path:
            refuse_at(draft, paths, mistake)


def mistakes_with(draft: Draft, settings: Settings) -> list[Mistake]:
    """What the configuration refuses of the settings; one without a path says that values don't fit each other."""
    try:
        _resolve(draft, settings)
        mistakes = []
    except ValidationError as error:
        mistakes = explain(error, draft.loaded.Config, settings)
    except Exception as error:  # a third party's defaults may raise anything about values they don't expect
        mistakes = [Mistake((), f"{type(error).__name__}: {error}")]
    by_item = [item for mistake in mistakes for item in _by_item(draft, mistake, settings)]
    wrong = {mistake.path[0] for mistake in mistakes if mistake.path}
    return [
        *by_item,
        *_words_for_numbers(draft, {name: value for name, value in settings.items() if name not in wrong}),
    ]


def complete_settings(draft: Draft, settings: Settings) -> dict[str, Any]:
    """The whole configuration for valid settings."""
    return _resolve(draft, settings).config.model_dump(mode="json")


def _resolve(draft: Draft, settings: Settings) -> Resolved:
    recipe, scale = draft.sections.get("recipe"), draft.sections.get("scale")
    recipe = recipe if recipe in draft.loaded.recipes else None  # an unknown one is reported elsewhere
    scale = scale if scale in draft.loaded.scales else None
    return resolve(draft.loaded, settings, recipe, scale)


def refuse_at(draft: Draft, paths: Paths, mistake: Mistake, otherwise: Path = ()) -> None:
    """Note a mistake of the configuration at the setting it is about."""
    if mistake.path:
        name = str(mistake.path[0])
        if name in paths:
            draft.refuse((*paths[name], *mistake.path[1:]), mistake.what, mistake.right, mistake.nearest)
        return
    draft.refuse(_mentioned(mistake.what, paths) or otherwise, mistake.what, mistake.right, mistake.nearest)


def _mentioned(text: str, paths: Paths) -> Path | None:
    """The path of the setting that a message names first."""
    words = re.findall(r"\w+", text)
    return next((paths[word] for word in words if word in paths), None)


def _by_item(draft: Draft, mistake: Mistake, settings: Settings) -> Iterable[Mistake]:
    """The mistake of a list, reported for its items: the configuration may complain of the first one only."""
    name = str(mistake.path[0]) if mistake.path else ""
    value = settings.get(name)
    if len(mistake.path) != 1 or not isinstance(value, list) or len(value) < 2:
        return [mistake]
    of_items: list[Mistake] = []
    for index, item in enumerate(value):
        try:
            draft.loaded.Config.model_validate({name: [item]})
        except ValidationError as error:
            alone = [m for m in explain(error, draft.loaded.Config, {name: [item]}) if m.path[:1] == (name,)]
            of_items += [m._replace(path=(name, index, *m.path[2:])) for m in alone]
        except Exception:  # as above: then the list's own mistake has to do
            return [mistake]
    return of_items or [mistake]


def _words_for_numbers(draft: Draft, settings: Settings) -> Iterable[Mistake]:
    """Values that the configuration would convert silently, such as the text "0.1" to a number."""
    for name, value in settings.items():
        if not isinstance(value, bool | int | float | str):
            continue
        try:
            parsed = field_adapter(draft.loaded.Config, name).validate_python(value)
        except ValidationError:  # reported already
            continue
        if isinstance(parsed, bool) and not isinstance(value, bool):
            yield Mistake((name,), f"{show(value)} is not accepted", "expected true or false")
        elif isinstance(parsed, int | float) and not isinstance(parsed, bool) and isinstance(value, bool | str):
            right = f"write {parsed!r}" if isinstance(value, str) else "expected a number"
            yield Mistake((name,), f"{show(value)} is not accepted", right)
