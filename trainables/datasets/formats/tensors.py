"""Datasets that are small enough to be loaded whole. Imports torch only when they are loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainables.datasets.files.locations import File
from trainables.datasets.formats.found import Counts
from trainables.datasets.sources import SPLITS, Contents, Sample

if TYPE_CHECKING:
    from trainables.datasets.dataset import Dataset


@dataclass(frozen=True)
class TensorSource:
    """A dataset that `load` loads whole; `counts` as published: a part is refused on loading."""

    name: str
    files: Sequence[tuple[str, File]]
    load: Callable[[], Dataset]
    counts: Counts

    def count(self) -> Counts:
        return self.counts

    def contents(self) -> Contents:
        dataset = self.load()
        splits = {"train": dataset.train, "test": dataset.test}

        def samples() -> Iterator[Sample]:
            for split in SPLITS:
                for index, image in enumerate(splits[split].images.squeeze(1).numpy()):
                    yield Sample(split, f"{self.name}, {split} image {index}", image)

        return Contents(dataset.classes, {split: splits[split].labels for split in SPLITS}, samples())
