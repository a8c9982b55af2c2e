"""Fractions such as `epsilon: 8/255`: each becomes its number where expected a number, and a text elsewhere."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import BaseModel, TypeAdapter

from saddle.design.registry import choice_model
from saddle.study.models import Study
from saddle.study.yaml_scalars import Fraction, ScalarError
from saddle.studyfile.problem import Path, Problem
from saddle.studyfile.validation_messages import field_adapter, wants_numbers
from saddle.studyfile.yaml_reader import Document

Place = tuple[Any, Any, Path]
"""A mapping or list, a key or index of it, and the path of what is there."""

LAYERS = 3
"""Passes over a study: what a section refuses as a whole says nothing about the numbers in it before that is right."""


def with_numbers(
    document: Document, config_of: Callable[[str], type[BaseModel] | None]
) -> tuple[Document, list[Problem]]:
    """The document with plain numbers and texts instead of fractions, and what is wrong with a fraction.

    `config_of` gives the configuration of a trainable, which says what its hyperparameters are; None for an unknown.
    """
    if not isinstance(document.value, dict) or not _holds_fraction(document.value):
        return document, []
    trainable = document.value.get("trainable")
    config = config_of(trainable) if isinstance(trainable, str) else None
    work = _Work(document, copy.deepcopy(document.value))
    if config is not None:
        for name, place in _settings(work.value):
            if name in config.model_fields:
                work.convert(field_adapter(config, name), place)
    study = TypeAdapter(Study)
    for _ in range(LAYERS):
        work.convert(study, ([work.value], 0, ()))
    if isinstance(work.value.get("ablation"), dict) and "design" in work.value["ablation"]:
        work.convert(TypeAdapter(choice_model()), (work.value["ablation"], "design", ("ablation", "design")))
    _make_texts(work.value)
    return replace(document, value=work.value, broken=document.broken | work.broken), work.problems


def as_number(config: type[BaseModel], name: str, value: Any) -> Any:
    """The value of one hyperparameter without fractions; raises `ScalarError` for a wrong one."""
    work = _Work(Document(None, {}), [copy.deepcopy(value)], raises=True)
    work.convert(field_adapter(config, name), (work.value, 0, ()))
    _make_texts(work.value)
    return work.value[0]


@dataclass
class _Work:
    """A document's value under conversion."""

    document: Document
    value: Any
    problems: list[Problem] = field(default_factory=list)
    broken: set[Path] = field(default_factory=set)
    raises: bool = False

    def convert(self, adapter: TypeAdapter[Any], place: Place) -> None:
        """Turn the fractions at a place into numbers, where `adapter` wants numbers."""
        container, key, path = place
        if not _holds_fraction(container[key]):
            return
        for below in wants_numbers(adapter, container[key]):
            inner, last = container, key
            for part in below:
                inner, last = inner[last], part
            if isinstance(inner[last], Fraction):
                self._convert_one(inner, last, (*path, *below))

    def _convert_one(self, container: Any, key: Any, path: Path) -> None:
        try:
            container[key] = container[key].number()
        except ScalarError as error:
            if self.raises:
                raise
            self.problems.append(self.document.problem(path, str(error)))
            self.broken.add(path)
            container[key] = str(container[key])


def _settings(study: dict[str, Any]) -> Iterator[tuple[str, Place]]:
    """Every value of a hyperparameter that a study gives, single levels and choices apart."""
    for section in ("fixed", "evaluate"):
        yield from _of_mapping(study.get(section), (section,))
    for name, spec in _items(study.get("search")):
        path: Path = ("search", name)
        if isinstance(spec, dict):
            yield from _of_list(name, spec.get("choice"), (*path, "choice"))
            for other, wanted in _items(spec.get("when")):
                yield other, (spec["when"], other, (*path, "when", other))
                yield from _of_list(other, wanted, (*path, "when", other))
    yield from _of_ablation(study.get("ablation"), ("ablation",))
    yield from _of_relation(study.get("relation"), ("relation",))
    published = study.get("published")
    values = published.get("values") if isinstance(published, dict) else None
    for row in values if isinstance(values, list) else ():
        yield from _of_mapping(row.get("conditions"), ("published",))


def _of_ablation(ablation: Any, path: Path) -> Iterator[tuple[str, Place]]:
    if not isinstance(ablation, dict):
        return
    yield from _of_mapping(ablation.get("baseline"), (*path, "baseline"))
    for part in ("factors", "blocks"):
        for name, levels in _items(ablation.get(part)):
            yield from _of_list(name, levels, (*path, part, name))
    for name, component in _items(ablation.get("components")):
        for state, settings in _items(component):
            yield from _of_mapping(settings, (*path, "components", name, state))
    exclude = ablation.get("exclude")
    for index, entry in enumerate(exclude if isinstance(exclude, list) else ()):
        for name, wanted in _items(entry):
            yield name, (entry, name, (*path, "exclude", index, name))
            yield from _of_list(name, wanted, (*path, "exclude", index, name))


def _of_relation(relation: Any, path: Path) -> Iterator[tuple[str, Place]]:
    if not isinstance(relation, dict):
        return
    gain, units = relation.get("gain"), relation.get("units")
    for part in ("arm", "over"):
        yield from _of_mapping(gain.get(part) if isinstance(gain, dict) else None, (*path, "gain", part))
    for index, entry in enumerate(units if isinstance(units, list) else ()):
        here = (*path, "units", index)
        parts = [
            (entry[name], (*here, name)) for name in ("vary", "fixed") if isinstance(entry, dict) and name in entry
        ]
        for settings, below in parts or [(entry, here)]:
            yield from _of_mapping(settings, below)
            for name, levels in _items(settings):
                yield from _of_list(name, levels, (*below, name))


def _of_mapping(settings: Any, path: Path) -> Iterator[tuple[str, Place]]:
    for name, _ in _items(settings):
        yield name, (settings, name, (*path, name))


def _of_list(name: str, values: Any, path: Path) -> Iterator[tuple[str, Place]]:
    for index in range(len(values) if isinstance(values, list) else 0):
        yield name, (values, index, (*path, index))


def _items(value: Any) -> list[tuple[str, Any]]:
    return list(value.items()) if isinstance(value, dict) else []


def _holds_fraction(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_fraction, value.values()))
    return any(map(_holds_fraction, value)) if isinstance(value, list) else isinstance(value, Fraction)


def _make_texts(value: Any) -> None:
    """Turn the fractions that are left into texts."""
    for key, item in list(value.items() if isinstance(value, dict) else enumerate(value)):
        if isinstance(item, dict | list):
            _make_texts(item)
        elif isinstance(item, Fraction):
            value[key] = str(item)
