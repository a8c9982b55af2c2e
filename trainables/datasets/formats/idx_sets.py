"""Datasets in four idx files, as MNIST and its relatives: where they are and what they must contain. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trainables.datasets.files.locations import LocalFile
from trainables.datasets.formats.found import Counts, Found
from trainables.datasets.formats.idx import read_content, verify
from trainables.datasets.formats.tensors import TensorSource

if TYPE_CHECKING:
    from trainables.datasets.dataset import Dataset

IMAGES = {"train": "train-images-idx3-ubyte", "test": "t10k-images-idx3-ubyte"}
LABELS = {"train": "train-labels-idx1-ubyte", "test": "t10k-labels-idx1-ubyte"}

SIZES = {
    "train-images-idx3-ubyte": 47_040_016,
    "train-labels-idx1-ubyte": 60_008,
    "t10k-images-idx3-ubyte": 7_840_016,
    "t10k-labels-idx1-ubyte": 10_008,
}
"""Bytes of each file when decompressed; the same for both datasets."""


@dataclass(frozen=True)
class IdxSet:
    """Four files of idx images and labels; `folder`: torchvision's name below the data root.

    `sha256`: of the decompressed files, by name.
    """

    name: str
    folder: str
    sha256: Mapping[str, str]

    def places(self, root: Path) -> list[Path]:
        """The folders that are searched for the files, the one to download into first."""
        return [root / self.folder, root / self.name]

    def find(self, file: str, root: Path) -> Path | None:
        """The file, plain or gzipped, in one of its places; None if it is in none."""
        candidates = [place / variant for place in self.places(root) for variant in (file, f"{file}.gz")]
        return next((path for path in candidates if path.is_file()), None)

    def read_verified(self, file: str, path: Path) -> bytes:
        """The decompressed content of one file; raises `DataError` when it isn't the well-known one."""
        content = read_content(path, limit=SIZES[file])
        verify(path, content, self.sha256[file])
        return content

    def locate(self, classes: tuple[str, ...], counts: Counts, root: Path) -> Found | None:
        """The four files below the data root, to be loaded whole; None unless all are there."""
        paths = {file: self.find(file, root) for file in SIZES}
        files = [(file, LocalFile(path)) for file, path in paths.items() if path is not None]
        if len(files) < len(SIZES):
            return None
        source = TensorSource(self.name, files, lambda: self.load(classes, root), counts)
        return Found(source, self.folder, source.count)

    def load(self, classes: tuple[str, ...], root: Path) -> Dataset:
        """All images from below the data root.

        Raises `DataNotFoundError` that says how to get an absent one, `DataError` for a corrupt file.
        """
        from trainables.datasets.formats.idx_tensors import load_idx_set

        return load_idx_set(self, classes, root)
