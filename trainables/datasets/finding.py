"""From the description of a dataset to its files. Imports no torch."""

from __future__ import annotations

from pathlib import Path

from trainables.datasets.config import FolderDataset, NamedDataset, ParquetDataset
from trainables.datasets.own.folder import find_folder
from trainables.datasets.own.parquet import find_parquet
from trainables.datasets.registry import KNOWN
from trainables.datasets.root import data_root
from trainables.datasets.sources import Source


def find_source(spec: NamedDataset | FolderDataset | ParquetDataset, root: Path | None = None) -> Source:
    """The source of a description; raises `DataNotFoundError` if it doesn't exist.

    `root`: the data root, below which a known dataset is looked for.
    """
    if isinstance(spec, NamedDataset):
        root = data_root(root)
        known = KNOWN[spec.known]
        source = known.locate(root)
        if source is None:
            raise known.absent(root)
        return source.source
    if isinstance(spec, FolderDataset):
        return find_folder(spec)
    return find_parquet(spec)
