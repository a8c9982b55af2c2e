"""Settings as text: when two are the same, how they are hashed, and how a reader sees them."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from saddle.study.yaml_scalars import is_text

SCALARS = (str, int, float, bool, type(None))
"""A ledger holds few different ones, many times each."""

OFF_LEVELS = ("false", "null", "0", '"off"', '"none"', '"no"', "[]", "{}")
"""Canonical forms of the levels that mean "this component is not there"."""


def canonical(value: Any) -> str:
    """The JSON text of a setting, the same for settings that mean the same (`1` and `1.0`, `(1, 2)` and `[1, 2]`)."""
    return _of_scalar(value) if isinstance(value, SCALARS) else _json(value)


@lru_cache(maxsize=100_000, typed=True)  # `True` and `1` are one key otherwise
def _of_scalar(value: Hashable) -> str:
    return _json(value)


def _json(value: Any) -> str:
    return json.dumps(_plain(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        # YAML's `1` and `1.0` give the same float field, so they must give the same arm.
        return int(value) if value.is_integer() else float(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_plain(item) for item in value]
    return str(value)


def same(value: Any, other: Any) -> bool:
    """Whether two settings mean the same; unlike `==`, `True` and `1` differ."""
    return canonical(value) == canonical(other)


def repeats(values: Sequence[Any]) -> list[int]:
    """The places of the values that mean the same as an earlier one."""
    first: dict[str, int] = {}
    # by text, because comparing 2,000 levels pair by pair takes 17 s
    return [place for place, value in enumerate(values) if first.setdefault(canonical(value), place) != place]


def is_off(level: Any) -> bool:
    """Whether a level reads as "component absent": false, null, 0, off, none, or an empty list."""
    return canonical(level) in OFF_LEVELS


def short_hash(settings: Mapping[str, Any]) -> str:
    """Eight hexadecimal digits that stay the same across processes, Python versions and key orders."""
    return hashlib.sha256(canonical(settings).encode()).hexdigest()[:8]


def slug(text: str, length: int = 40) -> str:
    """A name for files and URLs: lower-case ASCII letters, digits, dots and single hyphens."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9.]+", "-", ascii_text)[:length].strip("-.") or "arm"


def readable(value: Any) -> str:
    """A setting as a study file would write it: `true`, `null`, `0.1`, `[odd_even, prime]`."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {readable(item)}" for name, item in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return "[" + ", ".join(readable(item) for item in value) + "]"
    return str(value)


def written(value: Any) -> str:
    """A setting as a study file has to write it: as `readable` has it, texts that would be numbers in quotes."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {written(item)}" for name, item in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return "[" + ", ".join(written(item) for item in value) + "]"
    return readable(value) if not isinstance(value, str) or is_text(value) else f'"{value}"'
