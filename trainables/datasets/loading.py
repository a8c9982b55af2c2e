"""From a description of a dataset to its tensors."""

from __future__ import annotations

import os
from typing import Any

from trainables.datasets.config import FolderDataset, parse_spec
from trainables.datasets.dataset import Dataset
from trainables.datasets.root import data_root


def load(spec: Any, root: str | os.PathLike[str] | None = None) -> Dataset:
    """Load a dataset: a known name, `{folder: PATH}`, `{parquet: {train: PATH, test: PATH}}`, or their models.

    `root`: the data root of the known ones; see `data_root` for what counts without it.
    Raises `DataError` for what is absent, corrupt or inconsistent.
    """
    parsed = parse_spec(spec)
    if isinstance(parsed, str):
        if parsed == "digits":
            from trainables.datasets.bundled import load_digits

            return load_digits()
        from trainables.datasets.idx_loading import load_idx_set

        return load_idx_set(parsed, data_root(root))
    if isinstance(parsed, FolderDataset):
        from trainables.datasets.folder import load_folder

        return load_folder(parsed)
    from trainables.datasets.parquet import load_parquet

    return load_parquet(parsed)
