"""The classes of a dataset and what auxiliary tasks say of each, from the files in auxiliary_tasks. Imports no torch.

Classes are told apart by meaning, by us: S3's own label files are not public, so labels of GTSRB, CIFAR-10 and Tiny
ImageNet may differ from its own. The column `note` says why where another label could be argued for.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

CLASS, NAME, NOTE = "class", "name", "note"

TABLES = ("digits", "gtsrb", "cifar10", "tiny_imagenet")
"""The files in auxiliary_tasks; digits' is also that of MNIST and SVHN."""

MEANINGS: Mapping[str, tuple[str, ...]] = {
    "odd_even": ("odd", "even"),
    "prime_composite": ("composite", "prime"),
    "circle_polygon": ("circle", "polygon"),
    "character_symbol": ("symbol", "character"),
    "animal_vehicle": ("animal", "vehicle"),
    "land_sky_water": ("land", "sky", "water"),
    "natural_artefact": ("natural", "artefact"),
    "animal_machine_other": ("animal", "machine", "other"),
}
"""What the labels 0, 1, … of each named task stand for, numbered as in S3's official code."""


@dataclass(frozen=True)
class ClassTable:
    """The classes of a dataset in the order of their labels; `tasks`: the label of each in every named task."""

    name: str
    keys: tuple[str, ...]
    """What the data call the classes: an index, or a WordNet id."""
    classes: tuple[str, ...]
    tasks: Mapping[str, tuple[int, ...]]
    notes: tuple[str, ...]

    def describes(self, classes: Sequence[str]) -> bool:
        """Whether a dataset with these class names has these classes, by name, by key, or by both."""
        both = tuple(f"{key} {name}" for key, name in zip(self.keys, self.classes, strict=True))
        # bare indices name nothing, unless they are the names
        return tuple(classes) in ({self.classes, both} | ({self.keys} if not self.keys[0].isdecimal() else set()))


@lru_cache
def class_table(name: str) -> ClassTable:
    """The table of one dataset."""
    text = (files("trainables.datasets") / "auxiliary_tasks" / f"{name}.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    tasks = [column for column in rows[0] if column not in (CLASS, NAME, NOTE)]
    return ClassTable(
        name=name,
        keys=tuple(row[CLASS] for row in rows),
        classes=tuple(row[NAME] for row in rows),
        tasks={task: tuple(int(row[task]) for row in rows) for task in tasks},
        notes=tuple(row[NOTE] for row in rows),
    )
