"""`--set path=value`: one setting of a study file changed from the command line, checked like the file itself."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from saddle.design.registry import designs
from saddle.study.ablation import Race
from saddle.study.models import ONLY_IN_A_SEARCH, EarlyStopping, Sampler, Study
from saddle.study.nearest import nearest
from saddle.studyfile.problem import Path, Place, Problem, dotted, show
from saddle.studyfile.yaml_reader import NOTHING, Document, read_value

OF_A_SEARCH = ("search", *ONLY_IN_A_SEARCH)
EXCLUSIVE: dict[tuple[str, ...], tuple[str, ...]] = {
    ("sampler",): tuple(Sampler.model_fields),
    ("early_stopping",): tuple(EarlyStopping.model_fields),
    ("objective",): ("maximize", "minimize"),
    ("ablation", "design"): tuple(designs()),
    ("ablation", "race"): tuple(Race.model_fields),
}
"""Sections that hold one of several names: setting one puts away the others."""
RANGES = ("float", "int", "choice")
QUOTED = re.compile(r'"[^"]*"')
"""A part of a path with dots, colons or equals signs in it."""


@dataclass(frozen=True)
class Override:
    """`path=value`, for the study named before a colon or for every study that it applies to."""

    label: str
    study: str | None
    path: tuple[str, ...]
    value: Any
    broken: frozenset[Path] = frozenset()

    def problem(self, what: str, right: str = "", nearest: str | None = None) -> Problem:
        return Problem(self.label, None, dotted(self.path), what, right, nearest)


def override(documents: Sequence[Document], texts: Sequence[str]) -> tuple[list[Document], list[Problem]]:
    """The documents with every override set, and what is wrong with the overrides themselves.

    Without a study's name an override goes to every document where its path makes sense: settings of a search to
    those that search, of an ablation to those that ablate, a budget to those that search or have one.
    """
    changed, problems = list(documents), list[Problem]()
    for text in texts:
        wanted, refused = _parse(text, [_name(document) for document in documents])
        problems += refused
        if wanted is None or not any(isinstance(document.value, dict) for document in documents):
            continue
        targets = [i for i, document in enumerate(changed) if _makes_sense(wanted, document, changed)]
        if not targets:
            problems.append(_explain_no_target(wanted, changed))
        for index in targets:
            try:
                changed[index] = _set(changed[index], wanted)
            except _NoMappingError as error:
                problems.append(wanted.problem(str(error)))
    return changed, problems


class _NoMappingError(Exception):
    """A path leads into something that is not a mapping."""


def _parse(text: str, names: Sequence[str]) -> tuple[Override | None, list[Problem]]:
    label = f"--set {show(text, 80)[1:-1]}"
    equals = _outside_quotes(text, "=")
    if not equals or not text[: equals[0]].strip():
        return None, [Problem(label, None, "", "this sets nothing", "write path=value, such as budget.trials=4")]
    target, value_text = text[: equals[0]], text[equals[0] + 1 :]
    colons = _outside_quotes(target, ":")
    dots = target[colons[-1] + 1 :] if colons else target
    cuts = [-1, *_outside_quotes(dots, "."), len(dots)]
    parts = (dots[start + 1 : end].strip() for start, end in itertools.pairwise(cuts))
    path = tuple(part[1:-1] if QUOTED.fullmatch(part) else part for part in parts)
    wanted = Override(label, target[: colons[-1]].strip() if colons else None, path, None)
    if wanted.study is not None and wanted.study not in names:
        what = f"no study of this file is called {show(wanted.study)}"
        return None, [wanted.problem(what, f"there are: {', '.join(names)}", nearest(wanted.study, names))]
    if path[0] not in Study.model_fields or not all(path):
        keys = list(Study.model_fields)
        known = f"paths start with: {', '.join(keys)}"
        return None, [wanted.problem(f"no setting is called {show(dots)}", known, nearest(path[0], keys))]
    value, broken, problems = read_value(value_text, label)
    refused = [wanted.problem(problem.what, problem.right) for problem in problems]
    return (None if value is NOTHING else replace(wanted, value=value, broken=broken)), refused


def _outside_quotes(text: str, sign: str) -> list[int]:
    """The position of a character in a path that may have quoted parts, such as `fixed.tasks.round."a.b"`."""
    blank = QUOTED.sub(lambda quoted: "_" * len(quoted[0]), text)
    return [place for place, character in enumerate(blank) if character == sign]


def _name(document: Document) -> str:
    return str(document.value.get("study", "")) if isinstance(document.value, dict) else ""


def _makes_sense(wanted: Override, document: Document, documents: Sequence[Document]) -> bool:
    value, top = document.value, wanted.path[0]
    if not isinstance(value, dict):
        return False
    if wanted.study is not None:
        return _name(document) == wanted.study
    if top == "search" and len(wanted.path) > 2:
        return wanted.path[1] in _searched(document)
    if top in OF_A_SEARCH:
        return "search" in value
    if top in ("ablation", "relation"):
        return top in value
    if top == "budget":
        return _has_budget(document) or not any(_has_budget(other) for other in documents)
    return True


def _has_budget(document: Document) -> bool:
    return isinstance(document.value, dict) and ("search" in document.value or "budget" in document.value)


def _searched(document: Document) -> list[str]:
    search = document.value.get("search") if isinstance(document.value, dict) else None
    return list(search) if isinstance(search, dict) else []


def _explain_no_target(wanted: Override, documents: Sequence[Document]) -> Problem:
    searched = list(dict.fromkeys(name for document in documents for name in _searched(document)))
    if wanted.path[0] == "search" and searched:
        name = wanted.path[1]
        known = f"searched are: {', '.join(searched)}"
        return wanted.problem(f"no study of this file searches {show(name)}", known, nearest(name, searched))
    kinds = {"ablation": "an ablation", "relation": "a relation"}
    kind = "a search" if wanted.path[0] in OF_A_SEARCH else kinds.get(wanted.path[0], "an ablation")
    return wanted.problem(f"no study of this file has {kind}", "remove this override")


def _set(document: Document, wanted: Override) -> Document:
    path: Path = wanted.path
    label = Place(wanted.label)
    places = {there: place for there, place in document.places.items() if there[: len(path)] != path}
    for length in range(1, len(path) + 1):
        places.setdefault(path[:length], label)
    broken = {there for there in document.broken if there[: len(path)] != path}
    broken |= {(*path, *there) for there in wanted.broken}
    value = _with(document.value, wanted.path, wanted.value, wanted.path)
    written = {there: source for there, source in document.written.items() if there != path}
    return Document(value, places, frozenset(broken), written)


def _with(container: Any, path: tuple[str, ...], value: Any, whole: tuple[str, ...]) -> Any:
    """A copy of `container` with `value` at `path`; missing mappings in between are made."""
    if not path:
        return value
    above = whole[: len(whole) - len(path)]
    if isinstance(container, str) and above in EXCLUSIVE and above != ("objective",):
        container = {container: {}}  # a bare name, such as `sampler: tpe`
    if container is None or (isinstance(container, bool) and above == ("ablation", "race")):
        container = {}
    if not isinstance(container, dict):
        raise _NoMappingError(f"{dotted(above)} is {show(container)} here and has no {path[0]}; set it whole")
    others = {name: item for name, item in container.items() if name not in _put_away(above, path[0])}
    return {**others, path[0]: _with(container.get(path[0]), path[1:], value, whole)}


def _put_away(above: tuple[str, ...], name: str) -> Iterator[str]:
    """The names that can't stay together with `name`."""
    group = EXCLUSIVE.get(above, ())
    if len(above) == 2 and above[0] == "search":
        group = RANGES
    if name in group:
        yield from (other for other in group if other != name)
