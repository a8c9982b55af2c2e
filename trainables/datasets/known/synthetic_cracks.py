"""The built-in cracks, drawn when they are loaded for the first time: they need no files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainables.datasets.files.locations import File
from trainables.datasets.formats.found import Counts, Found
from trainables.datasets.known_dataset import Facts, KnownDataset
from trainables.datasets.sources import SPLITS, Contents, Sample


@dataclass(frozen=True)
class Program(File):
    """Stands for the files of a dataset that is drawn by a program; another version counts as another file."""

    version: int

    @property
    def name(self) -> str:
        return "program"

    @property
    def identity(self) -> str:
        return f"drawn by version {self.version}"

    def read(self) -> bytes:
        raise NotImplementedError("drawn datasets have no file to read")

    def open(self) -> Any:
        raise NotImplementedError("drawn datasets have no file to read")


@dataclass(frozen=True)
class SyntheticSource:
    """Images to be drawn, `counts` of each split."""

    name: str
    classes: tuple[str, ...]
    counts: Counts

    @property
    def files(self) -> Sequence[tuple[str, File]]:
        from trainables.datasets.synthetic.rendering import VERSION

        return [("program", Program(VERSION))]

    def contents(self) -> Contents:
        import torch

        labels = {split: torch.arange(count) % len(self.classes) for split, count in self.counts.items()}
        return Contents(self.classes, labels, self._samples(), masked=True, undamaged_first=True)

    def _samples(self) -> Iterator[Sample]:
        from trainables.datasets.synthetic.rendering import render

        for split in SPLITS:
            for number in range(self.counts[split]):
                image, mask, _ = render(self.name, split, number)
                yield Sample(split, f"{self.name}, {split} image {number}", image, mask)


def known_drawing(name: str, title: str) -> KnownDataset:
    """A dataset that a program draws; it is on every machine."""
    facts = Facts(title, shape=(1, 64, 64), classes=("no crack", "crack"), train=2_000, test=500)
    counts: Counts = {"train": facts.train, "test": facts.test}

    def find(root: Path) -> Found:
        return Found(SyntheticSource(name, facts.classes, counts), "drawn by a program", lambda: counts)

    return KnownDataset(
        name=name,
        facts=facts,
        find=find,
        bundled=True,
        quick={},  # at their own size: thin damage vanishes when it shrinks
    )


SYNTHETIC_CRACKS = known_drawing(
    "synthetic_cracks", "Synthetic cracks: concrete and clear cracks drawn by a program, no photographs"
)
CLUTTERED = known_drawing(
    "synthetic_cracks_cluttered",
    "Synthetic cracks among stains, seams and pores, as faint as on photographs; drawn by a program",
)
