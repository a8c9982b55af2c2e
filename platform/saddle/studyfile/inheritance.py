"""What the later documents of a file take over from its first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from saddle.studyfile.problem import Path
from saddle.studyfile.yaml_reader import Document

INHERITED = ("trainable", "recipe", "scale", "fixed", "resources", "evaluate")
WITH_ANOTHER_TRAINABLE = ("resources",)
"""Names of one trainable's configuration mean nothing to another."""


def inherit(documents: Sequence[Document]) -> list[Document]:
    """Complete every document from the first: mappings key by key, and what a document says itself counts.

    A document with another trainable than the first takes over `resources` only.
    """
    if not documents or not isinstance(documents[0].value, dict):
        return list(documents)
    return [documents[0], *(_complete(later, documents[0]) for later in documents[1:])]


def _complete(later: Document, first: Document) -> Document:
    if not isinstance(later.value, dict):
        return later
    value, places, broken = dict(later.value), dict(later.places), set(later.broken)
    own = later.value.get("trainable")
    sections = INHERITED if own is None or own == first.value.get("trainable") else WITH_ANOTHER_TRAINABLE
    for path in _inherited_paths(value, first, sections):
        name = path[0]
        if len(path) == 1:
            value[name] = first.value[name]
        else:
            value[name] = {**value[name], path[1]: first.value[name][path[1]]}
        places |= {there: place for there, place in first.places.items() if there[: len(path)] == path}
        broken |= {there for there in first.broken if there[: len(path)] == path}
    return Document(value, places, frozenset(broken))


def _inherited_paths(own: dict[str, object], first: Document, sections: Sequence[str]) -> Iterator[Path]:
    """The sections, or single keys of them, that the first document has and the later one leaves open."""
    for name in sections:
        given, inherited = own.get(name), first.value.get(name)
        if inherited is None:
            continue
        if given is None:
            yield (name,)
        elif isinstance(given, dict) and isinstance(inherited, dict):
            yield from ((name, key) for key in inherited if key not in given)
