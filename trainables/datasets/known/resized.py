"""Datasets that are small enough to be loaded as they are, at another size than their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trainables.datasets.idx_sets import IDX_SETS, SIZES, find
from trainables.datasets.known.found import Counts, Found
from trainables.datasets.locations import File, LocalFile
from trainables.datasets.registry import KNOWN
from trainables.datasets.sources import SPLITS, Contents, Sample

if TYPE_CHECKING:
    from trainables.datasets.dataset import Dataset


@dataclass(frozen=True)
class TensorSource:
    """A dataset that `load` loads whole."""

    name: str
    files: Sequence[tuple[str, File]]
    load: Callable[[], Dataset]

    def count(self) -> Counts:
        """As published: what is there is either whole, or refused when it is loaded."""
        return {"train": KNOWN[self.name].train, "test": KNOWN[self.name].test}

    def contents(self) -> Contents:
        dataset = self.load()
        splits = {"train": dataset.train, "test": dataset.test}

        def samples() -> Iterator[Sample]:
            for split in SPLITS:
                for index, image in enumerate(splits[split].images.squeeze(1).numpy()):
                    yield Sample(split, f"{self.name}, {split} image {index}", image)

        return Contents(dataset.classes, {split: splits[split].labels for split in SPLITS}, samples())


def find_digits(root: Path) -> Found:
    """scikit-learn's digits, which are everywhere."""

    def load() -> Dataset:
        from trainables.datasets.bundled import load_digits

        return load_digits()

    source = TensorSource("digits", (), load)
    return Found(source, "scikit-learn", source.count)


def find_idx_set(name: str, root: Path) -> Found | None:
    """MNIST or Fashion-MNIST; None unless all four files are there."""
    found = {file: find(name, file, root) for file in SIZES}
    files = [(file, LocalFile(path)) for file, path in found.items() if path is not None]
    if len(files) < len(SIZES):
        return None

    def load() -> Dataset:
        from trainables.datasets.idx_loading import load_idx_set

        return load_idx_set(name, root)

    source = TensorSource(name, files, load)
    return Found(source, IDX_SETS[name].folder, source.count)
