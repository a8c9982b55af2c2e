"""A study written out whole, and how two versions of it differ."""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping
from typing import Any

from pydantic import BaseModel
from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from saddle.study.changes import RELATION_SEEDS, SEEDS, UNITS, WHOLE, Change, may_become, rule_of, seeds_to_write
from saddle.study.field_types import OneOf
from saddle.study.models import ONLY_IN_A_SEARCH, Constraint, Study
from saddle.study.values import canonical
from saddle.study.yaml_scalars import WORD
from saddle.studyfile.problem import show

SEED_PATHS = (SEEDS, RELATION_SEEDS)


def dump_study(study: Study) -> str:
    """YAML of the study with every default written out; loading it gives an equal study."""
    return dump_plain(plain_study(study))


def dump_plain(plain: Mapping[str, Any]) -> str:
    """YAML of a study that is given as mappings, lists and scalars."""
    stream = io.StringIO()
    yaml = YAML(typ="rt")
    yaml.width = 2**16  # a long question stays on one line
    yaml.representer.ignore_aliases = lambda _: True
    yaml.dump(_quoted(dict(plain)), stream)
    return stream.getvalue()


def plain_study(study: Study) -> dict[str, Any]:
    """The study as mappings, lists and scalars, the way a file writes it; what is not set is left out."""
    plain: dict[str, Any] = _plain(study)
    left_out = ONLY_IN_A_SEARCH if study.search is None else ()
    return {name: value for name, value in plain.items() if name not in left_out}


def differences(old: Study, new: Study) -> list[str]:
    """Which settings differ, each as `budget.trials: 12 → 24`."""
    before, after = _flat_study(old), _flat_study(new)
    return [f"{path}: {_shown(before, path)} → {_shown(after, path)}" for path in _changed(before, after)]


def differences_under(rule: Change, old: Study, new: Study) -> list[str]:
    """Those of the differences that are under a rule (see `changes`)."""
    before, after = _flat_study(old), _flat_study(new)
    changed = (path for path in _changed(before, after) if rule_of(path) is rule)
    return [f"{path}: {_shown(before, path)} → {_shown(after, path)}" for path in changed]


def refused_differences(old: Study, new: Study, but: Collection[Change] = ()) -> list[str]:
    """Those of the differences that a study which has run may not have (see `changes`), without those under `but`."""
    before, after = _flat_study(old), _flat_study(new)
    changed = (path for path in _changed(before, after) if rule_of(path) not in but)
    refused = [path for path in changed if not _may_differ(path, old, new, before, after)]
    return [
        _refused_seeds(path, old, new)
        if path in SEED_PATHS
        else _refused_units(old, new)
        if path == UNITS
        else f"{path}: {_shown(before, path)} → {_shown(after, path)}{_nearest(path, old, before, after)}"
        for path in refused
    ]


def _nearest(path: str, old: Study, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """What is possible instead, as a clause that begins with a semicolon; empty if nothing is near."""
    if rule_of(path) is Change.RAISED and before.get(path) is not None:
        return f"; what was planned before stays, so write {path}: {_shown(before, path)}, or more"
    section, _, name = path.partition(".")
    if section == "fixed" and old.ablation is not None and path in before and path in after:
        factor = f"{{{name}: [{_shown(before, path)}, {_shown(after, path)}]}}"
        return f"; it would change every arm: leave it, and compare both as a factor, factors: {factor}"
    if section == "objective" and "metric" not in path:
        return f"; what the search learns from stays, and also: [{_shown(after, path)}] reports a further metric"
    if path.startswith("ablation.design"):
        return "; the arms of another design are other comparisons, which need a study of their own"
    return ""


def _may_differ(path: str, old: Study, new: Study, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    if path in SEED_PATHS:
        return may_become(rule_of(path), old.seed_list, new.seed_list)
    if path == UNITS:
        return may_become(rule_of(path), list(_units(old)), list(_units(new)))
    return may_become(rule_of(path), before.get(path), after.get(path))


def _units(study: Study) -> dict[str, str]:
    """The names of a relation's units as a reader sees them, by their settings as text."""
    return {} if study.relation is None else {canonical(unit.settings): unit.name for unit in study.relation.unit_list}


def _refused_seeds(path: str, old: Study, new: Study) -> str:
    """Both lists of seeds, and the one that would continue from the old one."""
    right = seeds_to_write(old.seed_list, new.seed_list)
    return (
        f"{path}: {show(old.seed_list)} → {show(new.seed_list)}; the seeds that there are stay first and in their"
        f" order, so write seeds: {show(right)}"
    )


def _refused_units(old: Study, new: Study) -> str:
    """The units that were taken away: which points count must not be chosen once they can be seen."""
    after = _units(new)
    removed = [name for settings, name in _units(old).items() if settings not in after]
    return f"{UNITS}: {'; '.join(removed)} taken away; units may be added, and those that there are stay"


def is_extension(old: Study, new: Study) -> bool:
    """Whether what was trained for `old` all counts for `new`, too (see `changes`)."""
    return not refused_differences(old, new)


def _flat_study(study: Study) -> dict[str, Any]:
    return _flat(plain_study(study), "", whole=WHOLE)


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The paths whose values differ; a section that was empty, or is, is described by what is in it."""
    paths = dict.fromkeys([*before, *after])
    return [
        path
        for path in paths
        if ((path in before) != (path in after) or not _same(before[path], after[path]))
        and not any(other.startswith(f"{path}.") for other in paths)
    ]


def _plain(value: Any) -> Any:
    if isinstance(value, Constraint):
        return str(value)
    if isinstance(value, OneOf):
        return {value.name: _plain(value.options)}
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        items = {info.alias or name: getattr(value, name) for name, info in fields.items()}
        return {name: _plain(item) for name, item in items.items() if item is not None}
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _quoted(value: Any) -> Any:
    """The same with quotes around every text that isn't plainly a word, so that it stays a text."""
    if isinstance(value, dict):
        return {_quoted(name): _quoted(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_quoted(item) for item in value]
    if isinstance(value, str) and not WORD.fullmatch(value):
        return DoubleQuotedScalarString(value)
    return value


def _flat(value: Any, path: str, whole: Collection[str] = ()) -> dict[str, Any]:
    """The values by their dotted paths; values at the paths of `whole` stay together."""
    if not isinstance(value, dict) or not value or path in whole:
        return {path: value}
    flat: dict[str, Any] = {}
    for name, item in value.items():
        flat |= _flat(item, f"{path}.{name}" if path else str(name), whole)
    return flat


def _same(before: Any, after: Any) -> bool:
    # YAML distinguishes true from 1, and Python doesn't.
    return bool(before == after) and isinstance(before, bool) == isinstance(after, bool)


def _shown(flat: Mapping[str, Any], path: str) -> str:
    return show(flat[path]) if path in flat else "not set"
