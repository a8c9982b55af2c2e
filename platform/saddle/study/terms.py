"""What the documents of a study file say that a function leaves open (`StudyTerms`), read from their plain values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from trainables.contract import Direction
from trainables.own_loop.terms import StudyTerms

KINDS = ("choice", "float", "int")


def terms_of(documents: Sequence[Mapping[str, Any]]) -> StudyTerms:
    """The terms of all studies of a file that name the same trainable, those of the first one first.

    Nothing is judged: what is wrong with a document is found elsewhere.
    """
    settings: dict[str, Any] = {}
    metrics: dict[str, Direction | None] = {}
    for document in documents:
        for name, value in _settings(document):
            settings.setdefault(name, value)
        for metric, direction in _metrics(document):
            metrics[metric] = metrics.get(metric) or direction
    selection = next((name for document in documents if (name := _selection(document))), "")
    if selection and selection not in metrics:
        metrics[selection] = None
    return StudyTerms(settings, metrics, selection)


def _settings(document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for section in ("fixed", "evaluate"):
        yield from _mapping(document, section).items()
    for name, spec in _mapping(document, "search").items():
        values = next((spec[kind] for kind in KINDS if isinstance(spec, dict) and kind in spec), None)
        if isinstance(values, list) and values:
            yield name, values[0]
    ablation = _mapping(document, "ablation")
    yield from ((name, value) for name, value in _mapping(ablation, "baseline").items() if name != "best_of")
    for part in ("factors", "blocks"):
        levels = _mapping(ablation, part).items()
        yield from ((name, values[0]) for name, values in levels if isinstance(values, list) and values)
    for component in _mapping(ablation, "components").values():
        yield from (item for part in ("on", "off") for item in _mapping(component, part).items())


def _metrics(document: Mapping[str, Any]) -> Iterator[tuple[str, Direction | None]]:
    declared = _mapping(_mapping(document, "trainable"), "metrics")
    yield from ((name, direction) for name, direction in declared.items() if direction in get_args(Direction))
    for objective in _listed(document.get("objective")):
        for direction in ("maximize", "minimize"):
            name = objective.get(direction) if isinstance(objective, dict) else None
            if isinstance(name, str):
                yield name, direction
    for constraint in _listed(document.get("constraints")):
        if isinstance(constraint, str) and constraint.split():
            yield constraint.split()[0], None
    compare = _mapping(_mapping(document, "ablation"), "compare")
    names = [compare.get("metric"), *_mapping(compare, "not_worse")]
    yield from ((name, None) for name in names if isinstance(name, str))


def _selection(document: Mapping[str, Any]) -> str:
    """The validation metric that a study chooses by: its first objective, or the twin of what it compares."""
    for objective in _listed(document.get("objective")):
        name = (objective.get("maximize") or objective.get("minimize")) if isinstance(objective, dict) else None
        if isinstance(name, str):
            return name
    compared = _mapping(_mapping(document, "ablation"), "compare").get("metric")
    return f"validation/{compared.partition('/')[2]}" if isinstance(compared, str) and "/" in compared else ""


def _mapping(value: Any, name: str) -> Mapping[str, Any]:
    inner = value.get(name) if isinstance(value, dict) else None
    return inner if isinstance(inner, dict) else {}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
