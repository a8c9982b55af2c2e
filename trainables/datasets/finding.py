"""From the description of a dataset to its files. Imports no torch."""

from __future__ import annotations

from pathlib import Path

from trainables.datasets.config import FolderDataset, KnownDataset, ParquetDataset
from trainables.datasets.formats.folder import find_folder
from trainables.datasets.formats.parquet import find_parquet
from trainables.datasets.known.finding import absent, find_known
from trainables.datasets.root import data_root
from trainables.datasets.sources import Source


def find_source(spec: KnownDataset | FolderDataset | ParquetDataset, root: Path | None = None) -> Source:
    """The source of a description; raises `DataNotFoundError` for what isn't there.

    `root`: the data root, below which a known dataset is looked for.
    """
    if isinstance(spec, KnownDataset):
        root = data_root(root)
        known = find_known(spec.known, root)
        if known is None:
            raise absent(spec.known, root)
        return known.source
    if isinstance(spec, FolderDataset):
        return find_folder(spec)
    return find_parquet(spec)
