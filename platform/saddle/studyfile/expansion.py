"""`for: {dataset: [mnist, gtsrb]}`: a document that is a study for each value, or for each combination of several.

Each is called `NAME-VALUE`. `{dataset}` in its question, in `published` and in `best_of` is the value; values given as
a mapping, such as `{mnist: MNIST, gtsrb: GTSRB}`, say what the question calls them. The key `sampler_seed` repeats a
search with other seeds of its sampler, all else equal. `inherit: false` in a later document takes over nothing from the
first.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from saddle.study.nearest import nearest
from saddle.study.values import readable, repeats, slug
from saddle.study.yaml_scalars import ScalarError, plain
from saddle.studyfile.inheritance import complete
from saddle.studyfile.problem import Path, Problem, dotted, show
from saddle.studyfile.yaml_reader import Document

FOR, INHERIT = FILE_KEYS = ("for", "inherit")
"""Keys of a document that expand it into studies, which don't have them."""
OF_A_STUDY = ("recipe", "scale")
"""Keys of `for` that are sections of a study; all others are hyperparameters."""
SAMPLER_SEED = "sampler_seed"
"""The key of `for` that is neither: what a search's sampler draws with."""
USUAL_SAMPLER = "tpe"
MOST_STUDIES = 100
PLACEHOLDER = re.compile(r"\{(\w+)\}")
BEST_OF: tuple[Path, ...] = (("ablation", "baseline", "best_of"), ("ablation", "best_of"))


@dataclass(frozen=True)
class ForValue:
    """One value of a key of `for`."""

    key: str
    value: Any
    label: str
    """What the question calls it."""
    place: Path

    @property
    def slug(self) -> str:
        """What names of studies call it."""
        return slug(readable(self.value))


def expand(documents: Sequence[Document]) -> tuple[list[Document], list[Problem]]:
    """A document for each study of a file, completed from the file's first, and what is wrong with every `for`."""
    expanded: list[Document] = []
    problems: list[Problem] = []
    for own in documents:
        if not isinstance(own.value, dict):
            expanded.append(own)
            continue
        inherits = own.value.get(INHERIT, True)
        if not isinstance(inherits, bool) and not own.is_broken((INHERIT,)):
            problems.append(own.problem((INHERIT,), f"{show(inherits)} is not accepted", "expected true or false"))
        whole = own if own is documents[0] or inherits is False else complete(own, documents[0])
        keys, wrong = _read(own) if FOR in own.value and not own.is_broken((FOR,)) else ([], [])
        studies, more = ([_study(whole, ())], []) if wrong else _studies(own, whole, keys)
        expanded += studies
        problems += [*wrong, *more]
    return expanded, problems


def _read(own: Document) -> tuple[list[list[ForValue]], list[Problem]]:
    """The values of every key, and what is wrong with them."""
    keyed, problems = own.value[FOR], list[Problem]()
    if not isinstance(keyed, dict) or not keyed:
        right = "write for: {dataset: [mnist, gtsrb]}"
        return [], [own.problem((FOR,), f"{show(keyed)} has no hyperparameter with values", right)]
    keys = []
    for key, listed in keyed.items():
        try:
            values = _values(key, listed)
        except ScalarError as error:
            problems.append(own.problem((FOR, key), str(error)))
            continue
        keys.append(values)
        if not values:
            right = f"write {key}: [A, B], or {key}: {{A: TEXT, B: TEXT}} for what the question calls them"
            problems.append(own.problem((FOR, key), f"{show(listed)} has no values", right))
        for value in [values[index] for index in repeats([value.value for value in values])]:
            problems.append(own.problem(value.place, f"{readable(value.value)} is listed twice", "list it once"))
        for path in _places_of(own.value, key):
            if _at(own.value, path) is not None:
                what = f"{dotted(path)} is given, too (line {own.place(path).line})"
                problems.append(own.problem((FOR, key), what, "keep one of them"))
    if math.prod(map(len, keys)) > MOST_STUDIES:
        what = f"these values make {math.prod(map(len, keys))} studies, more than {MOST_STUDIES}"
        problems.append(own.problem((FOR,), what, "let a value be a factor or a block, or take several files"))
    return keys, problems


def _values(key: str, listed: Any) -> list[ForValue]:
    """The values of a key; raises `ScalarError` for one that no field can hold."""
    if isinstance(listed, list):
        return [ForValue(key, item, readable(item), (FOR, key, index)) for index, item in enumerate(listed)]
    items = listed.items() if isinstance(listed, dict) else ()
    return [
        ForValue(key, plain(name), name if label is None else readable(label), (FOR, key, name))
        for name, label in items
    ]


def _studies(
    own: Document, whole: Document, keys: Sequence[Sequence[ForValue]]
) -> tuple[list[Document], list[Problem]]:
    """A document for every combination of values, and what is wrong with their names and placeholders."""
    studies, problems, names = [], list[Problem](), set[str]()
    for values in itertools.product(*keys):
        study = _study(whole, values)
        name = study.value.get("study")
        if isinstance(name, str) and name in names:
            what = f"two of these values make a study of the same name, {name}"
            problems.append(own.problem(values[-1].place, what, "write two documents, with names of their own"))
            continue
        names |= {name} if isinstance(name, str) else set()
        studies.append(study)
    for path in (("question",), ("published",), *BEST_OF) if keys else ():
        text = _at(whole.value, path)
        for name in PLACEHOLDER.findall(text) if isinstance(text, str) else ():
            if name not in own.value[FOR]:
                known = ", ".join(f"{{{key}}}" for key in own.value[FOR])
                what = f"{{{name}}} is undefined here"
                problems.append(whole.problem(path, what, f"there are: {known}", nearest(name, own.value[FOR])))
    return studies, problems


def _study(whole: Document, values: Sequence[ForValue]) -> Document:
    own = {name: item for name, item in whole.value.items() if name not in FILE_KEYS}
    document = replace(whole, value=own, family=str(own.get("study", "")))
    written: dict[Path, Path] = {}
    for value in values:
        document, path = _place_for(document, value.key)
        document = _with(document, path, value.value)
        places = {there: place for there, place in document.places.items() if there[: len(path)] != path}
        broken = {there for there in document.broken if there[: len(path)] != path}
        broken |= {path} if document.is_broken(value.place) else set()
        places[path] = document.place(value.place)
        document = replace(document, places=places, broken=frozenset(broken))
        written[path] = (FOR, value.key)
    name = document.value.get("study")
    if isinstance(name, str) and values:
        document = _with(document, ("study",), "-".join([name, *(value.slug for value in values)]))
    document = _fill(document, ("question",), {value.key: value.label for value in values})
    document = _fill(document, ("published",), {value.key: readable(value.value) for value in values})
    for path in BEST_OF:
        document = _fill(document, path, {value.key: value.slug for value in values})
    return replace(document, written=written)


def _places_of(study: Mapping[str, Any], key: str) -> list[Path]:
    """Where a document may give what a key of its `for` gives, too."""
    if key == SAMPLER_SEED:
        return [("sampler", _sampler_of(study), "seed")]
    return [(key,), ("fixed", key), ("evaluate", key)]


def _place_for(document: Document, key: str) -> tuple[Document, Path]:
    """Where a key of `for` has its value, and the document with a mapping there; `sampler: nsga2` is none yet."""
    if key == SAMPLER_SEED:
        kind, value = _sampler_of(document.value), document.value.get("sampler")
        options = value.get(kind) if isinstance(value, dict) else None
        whole = value if isinstance(value, dict) and options is not None else {kind: {}}
        return _with(document, ("sampler",), whole), ("sampler", kind, "seed")
    evaluate = document.value.get("evaluate")
    section = "evaluate" if isinstance(evaluate, dict) and key in evaluate else "fixed"
    return document, (key,) if key in OF_A_STUDY else (section, key)


def _sampler_of(study: Mapping[str, Any]) -> str:
    """The name of a document's sampler, in any form that it is given in."""
    value = study.get("sampler")
    names = [value] if isinstance(value, str) else list(value) if isinstance(value, dict) else []
    return str(names[0]) if names else USUAL_SAMPLER


def _fill(document: Document, path: Path, texts: Mapping[str, str]) -> Document:
    """The document with texts for the placeholders in the text at `path`."""
    text = _at(document.value, path)
    if not isinstance(text, str):
        return document
    return _with(document, path, PLACEHOLDER.sub(lambda match: texts.get(match[1], match[0]), text))


def _at(value: Any, path: Path) -> Any:
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _with(document: Document, path: Path, value: Any) -> Document:
    def put(container: Any, rest: Path) -> Any:
        if not rest:
            return value
        if not isinstance(container, dict | None):
            return container  # which is refused itself
        inner = container or {}
        return {**inner, rest[0]: put(inner.get(rest[0]), rest[1:])}

    return replace(document, value=put(document.value, path))
