"""From a description of a dataset to its tensors."""

from __future__ import annotations

import os
from typing import Any

from trainables.datasets.config import parse_spec
from trainables.datasets.dataset import Dataset
from trainables.datasets.root import data_root


def load(spec: Any, root: str | os.PathLike[str] | None = None) -> Dataset:
    """Load a dataset: a known name, `{folder: PATH}`, `{parquet: {train: PATH, test: PATH}}`, or their models.

    One's own may lie on S3, and come from the node's cache; see `trainables.datasets.cache`.

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
    from trainables.datasets.cache import load_cached

    return load_cached(parsed)
