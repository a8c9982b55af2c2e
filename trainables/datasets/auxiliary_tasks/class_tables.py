"""The classes of a dataset and their labels in auxiliary tasks. Imports no torch.

saddle's authors grouped the classes by meaning: S3's own label files are not public, so labels of GTSRB, CIFAR-10 and
Tiny ImageNet may differ from its own. The column `note` gives the reason where another label would also be defensible.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

CLASS, NAME, NOTE = "class", "name", "note"


@dataclass(frozen=True)
class ClassTable:
    """The classes of a dataset in the order of their labels; `tasks`: the label of each in every named task.

    `about`: in words what the tasks are about; `meanings`: what the labels 0, 1, … of each task stand for.
    """

    name: str
    about: str
    keys: tuple[str, ...]
    """The names of the classes in the data: an index, or a WordNet id."""
    classes: tuple[str, ...]
    tasks: Mapping[str, tuple[int, ...]]
    meanings: Mapping[str, tuple[str, ...]]
    notes: tuple[str, ...]

    def describes(self, classes: Sequence[str]) -> bool:
        """Whether a dataset with these class names has these classes, by name, by key, or by both."""
        both = tuple(f"{key} {name}" for key, name in zip(self.keys, self.classes, strict=True))
        # bare indices don't count, unless they are the names
        return tuple(classes) in ({self.classes, both} | ({self.keys} if not self.keys[0].isdecimal() else set()))


def read_class_table(name: str, about: str, meanings: Mapping[str, tuple[str, ...]]) -> ClassTable:
    """The table in the file `NAME.csv` of this folder: a row per class, a column per task, numbered as `meanings`."""
    text = (files("trainables.datasets") / "auxiliary_tasks" / f"{name}.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    return ClassTable(
        name=name,
        about=about,
        keys=tuple(row[CLASS] for row in rows),
        classes=tuple(row[NAME] for row in rows),
        tasks={task: tuple(int(row[task]) for row in rows) for task in meanings},
        meanings=meanings,
        notes=tuple(row[NOTE] for row in rows),
    )


def class_table(
    name: str, about: str, classes: Sequence[str], tasks: Mapping[str, Mapping[str, Sequence[str]]]
) -> ClassTable:
    """A table without a file: for the name of each task the meanings of its labels and the classes that have them.

    Raises `ValueError` if a task doesn't give every class one label.
    """
    for task, labelled in tasks.items():
        if sorted(name for names in labelled.values() for name in names) != sorted(classes):
            raise ValueError(f"task {task!r} of {name} must give each of the {len(classes)} classes one label")
    return ClassTable(
        name=name,
        about=about,
        keys=tuple(map(str, range(len(classes)))),
        classes=tuple(classes),
        tasks={
            task: tuple(
                next(number for number, names in enumerate(labelled.values()) if name in names) for name in classes
            )
            for task, labelled in tasks.items()
        },
        meanings={task: tuple(labelled) for task, labelled in tasks.items()},
        notes=("",) * len(classes),
    )
