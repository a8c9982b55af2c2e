"""What the later documents of a file take over from its first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from saddle.study.models import ONLY_IN_A_SEARCH, Study
from saddle.study.nearest import nearest
from saddle.studyfile.problem import Path
from saddle.studyfile.yaml_reader import Document

INHERITED = ("trainable", "recipe", "scale", "fixed", "resources", "evaluate")
WITH_ANOTHER_TRAINABLE = ("resources",)
"""Names of one trainable's configuration mean nothing to another."""
KINDS = {"search": ("search", *ONLY_IN_A_SEARCH, "budget"), "ablation": ("ablation",), "relation": ("relation",)}
"""What makes a study a search, an ablation or a relation; a later document of the same kind inherits that, too."""

PARTS_MERGED = ("baseline", "factors", "components", "blocks", "compare")
MERGED: frozenset[Path] = frozenset(
    {(name,) for name in ("fixed", "resources", "evaluate", "search", "budget", "ablation", "relation")}
    | {("ablation", part) for part in PARTS_MERGED}
    | {("relation", "gain")}
)
"""Mappings that are completed name by name; of everything else what a document says itself replaces the first's."""
NULL_IS_A_VALUE: frozenset[Path] = frozenset(
    {("fixed",), ("resources",), ("evaluate",), ("ablation", "baseline"), ("ablation", "factors")}
)
"""Elsewhere null takes away what would be inherited; of a factor, which is on or off then, an empty list does."""


def complete(later: Document, first: Document) -> Document:
    """A later document completed from the first, in the order of the first, so that inherited factors make equal arms.

    A document with another trainable than the first takes over `resources` only.
    """
    if not isinstance(later.value, dict) or not isinstance(first.value, dict):
        return later
    trainable = later.value.get("trainable")
    same = trainable is None or trainable == first.value.get("trainable")
    sections = (*INHERITED, *_of_its_kind(later)) if same else WITH_ANOTHER_TRAINABLE
    offered = {name: first.value[name] for name in sections if first.value.get(name) is not None}
    own = {name: item for name, item in later.value.items() if item is not None or name not in INHERITED}
    inherited_paths: list[Path] = []
    value = _merge(later, own, offered, (), inherited_paths)

    def is_taken(path: Path) -> bool:
        return any(path[:length] in inherited for length in range(1, 4))

    inherited = set(inherited_paths)
    places = later.places | {path: place for path, place in first.places.items() if is_taken(path)}
    return replace(later, value=value, places=places, broken=later.broken | set(filter(is_taken, first.broken)))


def _of_its_kind(later: Document) -> list[str]:
    """The sections that only studies of its kind have; without a kind of its own it has that of the first one."""
    named = {
        name if name in Study.model_fields else nearest(name, Study.model_fields)
        for name, item in later.value.items()
        if item is not None or later.is_broken((name,))
    }
    kinds = [kind for kind in KINDS if kind in named] or [kind for kind in KINDS if kind not in later.value]
    return [section for kind in kinds for section in KINDS[kind]]


def _merge(
    later: Document, own: Mapping[str, Any], offered: Mapping[str, Any], path: Path, inherited: list[Path]
) -> dict[str, Any]:
    """What a document says itself completed by what is offered; the paths of what it takes over go to `inherited`."""
    merged: dict[str, Any] = {}
    for name, item in offered.items():
        here = (*path, name)
        if name not in own:
            merged[name] = item
            inherited.append(here)
        elif here in MERGED and isinstance(own[name], dict) and isinstance(item, dict):
            merged[name] = _merge(later, own[name], item, here, inherited)
        elif later.is_broken(here) or not _takes_away(own[name], path):
            merged[name] = own[name]
    return merged | {name: item for name, item in own.items() if name not in offered}


def _takes_away(item: Any, path: Path) -> bool:
    return (item is None and path not in NULL_IS_A_VALUE) or (item == [] and path == ("ablation", "factors"))
