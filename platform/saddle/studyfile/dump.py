"""A study written out whole, and how two versions of it differ."""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping
from typing import Any

from pydantic import BaseModel
from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from saddle.study.changes import SEEDS, may_become, rule_of, seeds_to_write
from saddle.study.field_types import OneOf
from saddle.study.models import ONLY_IN_A_SEARCH, Constraint, Study
from saddle.study.yaml_scalars import WORD
from saddle.studyfile.problem import show


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


def refused_differences(old: Study, new: Study) -> list[str]:
    """Those of the differences that a study which has run may not have (see `changes`)."""
    before, after = _flat_study(old), _flat_study(new)
    refused = [path for path in _changed(before, after) if not _may_differ(path, old, new, before, after)]
    return [
        _refused_seeds(old, new) if path == SEEDS else f"{path}: {_shown(before, path)} → {_shown(after, path)}"
        for path in refused
    ]


def _may_differ(path: str, old: Study, new: Study, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    if path == SEEDS:
        return may_become(rule_of(path), _seeds(old), _seeds(new))
    return may_become(rule_of(path), before.get(path), after.get(path))


def _seeds(study: Study) -> list[int]:
    return [] if study.ablation is None else study.ablation.seed_list


def _refused_seeds(old: Study, new: Study) -> str:
    """Both lists of seeds, and the one that would go on from the old one."""
    right = seeds_to_write(_seeds(old), _seeds(new))
    return (
        f"{SEEDS}: {show(_seeds(old))} → {show(_seeds(new))}; the seeds that there are stay first and in their order,"
        f" so write seeds: {show(right)}"
    )


def is_extension(old: Study, new: Study) -> bool:
    """Whether what was trained for `old` all counts for `new`, too (see `changes`)."""
    return not refused_differences(old, new)


def _flat_study(study: Study) -> dict[str, Any]:
    return _flat(plain_study(study), "", whole={SEEDS})


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The paths whose values differ; a section that was empty, or is, is told by what is in it."""
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
    """The values by their dotted paths; what lies at one of the paths of `whole` stays together."""
    if not isinstance(value, dict) or not value or path in whole:
        return {path: value}
    flat: dict[str, Any] = {}
    for name, item in value.items():
        flat |= _flat(item, f"{path}.{name}" if path else str(name), whole)
    return flat


def _same(before: Any, after: Any) -> bool:
    # YAML tells true from 1 where Python doesn't.
    return bool(before == after) and isinstance(before, bool) == isinstance(after, bool)


def _shown(flat: dict[str, Any], path: str) -> str:
    return show(flat[path]) if path in flat else "not set"
