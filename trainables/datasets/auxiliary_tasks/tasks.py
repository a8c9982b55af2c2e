"""Auxiliary tasks: further labels of the same images, derived from the main one (S3, section 3.1). Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trainables.datasets.auxiliary_tasks.class_keys import NAME, class_index
from trainables.datasets.auxiliary_tasks.class_tables import ClassTable
from trainables.datasets.config import known_name
from trainables.datasets.errors import DataError, nearest
from trainables.datasets.registry import KNOWN

DEFAULT = "default"
"""The key of a mapping that stands for every class it doesn't name."""


@dataclass(frozen=True)
class Task:
    """An auxiliary task: `labels[k]` is its label, 0 … `classes` - 1, for main class k."""

    name: str
    labels: tuple[int, ...]

    @property
    def classes(self) -> int:
        """How many labels the task has."""
        return max(self.labels) + 1


def resolve_task(name: str, mapping: Mapping[str, int | str], classes: Sequence[str]) -> Task:
    """The task `name` on a dataset with these class names: a named one when `mapping` is empty, else the mapping's.

    A mapping's keys are class names, or indices as text (see `class_keys`); its values are numbers or text, numbered in
    sorted order. Raises `DataError` naming the offending class or task and the nearest valid name, and where a key
    could mean two classes.
    """
    if not mapping:
        return _named(name, classes)
    chosen: dict[int, int | str] = {}
    for key, label in mapping.items():
        if key == DEFAULT:
            continue
        index = class_index(key, classes, f"task {name!r}")
        if index in chosen:
            raise DataError(f"task {name!r} gives class {classes[index]!r} two labels")
        chosen[index] = label
    _refuse_class_called_default(name, mapping, chosen, classes)
    missing = [title for index, title in enumerate(classes) if index not in chosen]
    if missing and DEFAULT not in mapping:
        raise DataError(
            f"task {name!r} has no label for class {missing[0]!r}"
            f"{f' and {len(missing) - 1} more' if len(missing) > 1 else ''}; add it, or `default: LABEL`"
        )
    raw = [chosen.get(index, mapping.get(DEFAULT, 0)) for index in range(len(classes))]
    if len({type(label) for label in raw}) > 1:
        raise DataError(f"task {name!r} mixes numbers and text as labels: {', '.join(map(repr, dict.fromkeys(raw)))}")
    distinct = sorted(set(raw), key=lambda label: (str(type(label)), label))
    if len(distinct) < 2:
        raise DataError(f"task {name!r} gives every class the label {raw[0]!r}; a task must distinguish at least two")
    return Task(name, tuple(distinct.index(label) for label in raw))


def restrict_task(task: Task, chosen: Sequence[int], names: Sequence[str]) -> Task:
    """The task on some of the classes, `chosen` by their labels and called `names`; its labels are renumbered.

    Raises `DataError` if all of them get the same label.
    """
    raw = [task.labels[label] for label in chosen]
    distinct = sorted(set(raw))
    if len(distinct) < 2:
        raise DataError(
            f"task {task.name!r} gives all chosen classes, {', '.join(names)}, one label; choose another task, "
            "another class_count, or the other class_distance"
        )
    return Task(task.name, tuple(distinct.index(label) for label in raw))


def table_of(classes: Sequence[str]) -> ClassTable | None:
    """The table with the named tasks of a dataset with these class names, which may be one's own copy of it."""
    return next((table for table in tables() if table.describes(classes)), None)


def tables() -> list[ClassTable]:
    """Every table of a known dataset, only once if several datasets share it."""
    return list({known.tasks.name: known.tasks for known in KNOWN.values() if known.tasks is not None}.values())


def example_task(dataset: object) -> str:
    """An example of a task for a dataset, as a study file writes it."""
    name = known_name(dataset)
    if name is None:
        return "{my_task: {CLASS: 1, default: 0}}"
    known = KNOWN[name]
    if known.tasks is None:
        return f"{{my_task: {{{known.facts.classes[-1]}: 1, default: 0}}}}"
    return next(iter(known.tasks.tasks))


def _named(name: str, classes: Sequence[str]) -> Task:
    table = table_of(classes)
    if table is not None and name in table.tasks:
        return Task(name, table.tasks[name])
    own = f"a task of your own is a mapping, such as {{my_task: {{{classes[0]}: 1, default: 0}}}}"
    owner = next((other for other in tables() if name in other.tasks), None)
    if owner is not None:
        first = ", ".join(classes[:3])
        here = f"; its tasks are {', '.join(table.tasks)}" if table is not None else ""
        raise DataError(f"task {name!r} is about {owner.about}, and this dataset's classes are {first}, …{here}; {own}")
    if table is None:
        everything = [task for other in tables() for task in other.tasks]
        raise DataError(f"{name!r} is not a named task; {nearest(name, everything)} ({own})")
    raise DataError(f"{name!r} is not a named task; {nearest(name, table.tasks)} ({own})")


def _refuse_class_called_default(
    task: str, mapping: Mapping[str, int | str], chosen: Mapping[int, int | str], classes: Sequence[str]
) -> None:
    """Raise `DataError` if a class is called default, as the key `default` could mean that class or all others."""
    if DEFAULT in mapping and DEFAULT in classes and classes.index(DEFAULT) not in chosen:
        raise DataError(
            f"task {task!r} says `{DEFAULT}`, which is a class of the dataset and stands for all classes not named;"
            f" write '{NAME}{DEFAULT}' for the class, and `{DEFAULT}` as well if that is for the others"
        )
