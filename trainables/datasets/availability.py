"""Which of the known datasets are on this machine, and how much of each. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from trainables.datasets.errors import DataError
from trainables.datasets.registry import KNOWN


@dataclass(frozen=True)
class Presence:
    """What is below the data root of a known dataset: in which files, and how many images before any cutting."""

    form: str
    train: int
    test: int
    problem: str = ""
    """What is wrong with the files if they can't be used."""

    def complete(self, name: str) -> bool:
        """Whether it is the whole dataset and not a part of it."""
        return (self.train, self.test) == KNOWN[name].facts.stored


def is_present(name: str, root: Path) -> bool:
    """Whether a known dataset is below the data root, in whole or in part; its files are not opened."""
    try:
        return KNOWN[name].locate(root) is not None
    except DataError:
        return False


def how_to_get(name: str, root: Path) -> str:
    """The message for a known dataset that isn't below the data root, or can't be used."""
    try:
        KNOWN[name].locate(root)
    except DataError as error:
        return str(error)
    if KNOWN[name].downloads:
        return f"{name} is not in {root}; fetch it with: saddle data fetch {name}"
    return str(KNOWN[name].absent(root))


def look(name: str, root: Path) -> Presence | None:
    """How much of a known dataset is there, by counting; None if there is nothing."""
    try:
        files = KNOWN[name].locate(root)
        if files is None:
            return None
        counts = files.count()
    except DataError as error:
        return Presence("", 0, 0, str(error))
    return Presence(files.form, counts["train"], counts["test"])
