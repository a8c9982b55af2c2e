"""Auxiliary tasks: further labels of the same images, derived from the main one (S3, section 3.1). Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trainables.datasets.config import DIGIT_NAMES
from trainables.datasets.errors import DataError, nearest

DEFAULT = "default"
"""The key of a mapping that stands for every class it doesn't name."""

DIGIT_TASKS: Mapping[str, tuple[int, ...]] = {
    "odd_even": (1, 0, 1, 0, 1, 0, 1, 0, 1, 0),  # odd 0, even 1, as in S3's official labels
    "prime_composite": (0, 0, 1, 1, 0, 1, 0, 1, 0, 0),  # composite 0, prime 1; 0 and 1 count as composite there
}
"""Named tasks of digits: the label of each digit 0–9."""


@dataclass(frozen=True)
class Task:
    """An auxiliary task: `labels[k]` is its label, 0 … `classes` - 1, for main class k."""

    name: str
    labels: tuple[int, ...]

    @property
    def classes(self) -> int:
        """How many labels the task tells apart."""
        return max(self.labels) + 1


def resolve_task(name: str, mapping: Mapping[str, int | str], classes: Sequence[str]) -> Task:
    """The task `name` on a dataset with these class names: a named one when `mapping` is empty, else the mapping's.

    A mapping's keys are class names, or indices as text; its values are numbers or text, numbered in sorted order.
    Raises `DataError` naming the offending class or task and the nearest valid name.
    """
    if not mapping:
        return _named(name, classes)
    chosen: dict[int, int | str] = {}
    for key, label in mapping.items():
        if key == DEFAULT:
            continue
        index = _class_index(name, key, classes)
        if index in chosen:
            raise DataError(f"task {name!r} gives class {classes[index]!r} two labels")
        chosen[index] = label
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
        raise DataError(f"task {name!r} gives every class the label {raw[0]!r}; a task must tell at least two apart")
    return Task(name, tuple(distinct.index(label) for label in raw))


def example_task(dataset: object) -> str:
    """A task that could be meant, for a message."""
    return next(iter(DIGIT_TASKS))


def _named(name: str, classes: Sequence[str]) -> Task:
    if name not in DIGIT_TASKS:
        raise DataError(
            f"{name!r} is no named task; {nearest(name, DIGIT_TASKS)} "
            f"(a task of your own is a mapping, such as {{{name}: {{{classes[0]}: 1, default: 0}}}})"
        )
    if tuple(classes) != DIGIT_NAMES:
        raise DataError(
            f"task {name!r} is about digits, and this dataset's classes are {', '.join(classes[:3])}, …; "
            f"give a mapping of your own, such as {{my_task: {{{classes[0]}: 1, default: 0}}}}"
        )
    return Task(name, DIGIT_TASKS[name])


def _class_index(task: str, key: str, classes: Sequence[str]) -> int:
    if key in classes:
        return list(classes).index(key)
    if key.isdecimal():
        if int(key) < len(classes):
            return int(key)
        raise DataError(f"task {task!r} names class index {key}, but the last one is {len(classes) - 1}")
    raise DataError(f"task {task!r} names class {key!r}, which the dataset doesn't have; {nearest(key, classes)}")
