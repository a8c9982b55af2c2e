"""A study written out whole, and how two versions of it differ."""

from __future__ import annotations

import io
from typing import Any

from pydantic import BaseModel
from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from saddle.study.models import ONLY_IN_A_SEARCH, Budget, Constraint, Study
from saddle.study.parts import OneOf
from saddle.study.problems import show
from saddle.study.scalars import WORD


def dump_study(study: Study) -> str:
    """YAML of the study with every default written out; loading it gives an equal study."""
    stream = io.StringIO()
    yaml = YAML(typ="rt")
    yaml.width = 2**16  # a long question stays on one line
    yaml.representer.ignore_aliases = lambda _: True
    yaml.dump(_quoted(plain_study(study)), stream)
    return stream.getvalue()


def plain_study(study: Study) -> dict[str, Any]:
    """The study as mappings, lists and scalars, the way a file writes it; what is not set is left out."""
    plain: dict[str, Any] = _plain(study)
    left_out = ONLY_IN_A_SEARCH if study.search is None else ()
    return {name: value for name, value in plain.items() if name not in left_out}


def differences(old: Study, new: Study) -> list[str]:
    """Which settings differ, each as `budget.trials: 12 → 24`."""
    before, after = _flat(plain_study(old), ""), _flat(plain_study(new), "")
    return [
        f"{path}: {_shown(before, path)} → {_shown(after, path)}"
        for path in dict.fromkeys([*before, *after])
        if (path in before) != (path in after) or not _same(before[path], after[path])
    ]


def is_extension(old: Study, new: Study) -> bool:
    """Whether what was trained for `old` all counts for `new`, too: only limits were raised or seeds added.

    The question's text may change as well, which checkpoints are kept, and what published values stand beside.
    """
    if (old.ablation is None) != (new.ablation is None):
        return False
    if not all(_raised(getattr(old.budget, limit), getattr(new.budget, limit)) for limit in Budget.model_fields):
        return False
    free = ("budget", "question", "checkpoints", "published")
    aligned = old.model_copy(update={name: getattr(new, name) for name in free})
    if old.ablation is not None and new.ablation is not None:
        if not set(old.ablation.seed_list) <= set(new.ablation.seed_list):
            return False
        aligned = aligned.model_copy(update={"ablation": old.ablation.model_copy(update={"seeds": new.ablation.seeds})})
    return not differences(aligned, new)


def _raised(old: float | None, new: float | None) -> bool:
    return new is None or (old is not None and new >= old)


def _plain(value: Any) -> Any:
    if isinstance(value, Constraint):
        return str(value)
    if isinstance(value, OneOf):
        return {value.name: _plain(value.options)}
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        given = {info.alias or name: getattr(value, name) for name, info in fields.items()}
        return {name: _plain(item) for name, item in given.items() if item is not None}
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


def _flat(value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict) or not value:
        return {path: value}
    flat: dict[str, Any] = {}
    for name, item in value.items():
        flat |= _flat(item, f"{path}.{name}" if path else str(name))
    return flat


def _same(one: Any, other: Any) -> bool:
    # YAML tells true from 1 where Python doesn't.
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _shown(flat: dict[str, Any], path: str) -> str:
    return show(flat[path]) if path in flat else "not set"
