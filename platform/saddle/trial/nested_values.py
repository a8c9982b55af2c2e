"""Nested mappings as one level, as tables and lists of facts need them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def flatten(values: Mapping[str, Any], separator: str = ".") -> dict[str, Any]:
    """Every value under its path, such as `outer.inner`; a mapping without values has none."""
    return dict(_leaves(values, separator, ""))


def _leaves(values: Mapping[str, Any], separator: str, prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, separator, f"{prefix}{name}{separator}")
        else:
            yield f"{prefix}{name}", value
