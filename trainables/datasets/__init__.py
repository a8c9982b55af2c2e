"""Image datasets as plain tensors: known names, folders of classes, Parquet files.

Names are imported on first use, so that `trainables.datasets.config` stays free of torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trainables.datasets.config import DatasetSpec, FolderDataset, ParquetDataset
    from trainables.datasets.dataset import Dataset, Split
    from trainables.datasets.downloads.known_download import fetch
    from trainables.datasets.errors import DataError
    from trainables.datasets.loading import load
    from trainables.datasets.registry import KNOWN
    from trainables.datasets.root import data_root
    from trainables.datasets.sampling.balancing import balanced_epoch
    from trainables.datasets.sampling.grouping import cut_by_group
    from trainables.datasets.stats import describe, inter_class_variance

__all__ = [
    "KNOWN",
    "DataError",
    "Dataset",
    "DatasetSpec",
    "FolderDataset",
    "ParquetDataset",
    "Split",
    "balanced_epoch",
    "cut_by_group",
    "data_root",
    "describe",
    "fetch",
    "inter_class_variance",
    "load",
]

_HOME = {
    "KNOWN": "registry",
    "DatasetSpec": "config",
    "FolderDataset": "config",
    "ParquetDataset": "config",
    "Dataset": "dataset",
    "Split": "dataset",
    "DataError": "errors",
    "data_root": "root",
    "load": "loading",
    "fetch": "downloads.known_download",
    "balanced_epoch": "sampling.balancing",
    "cut_by_group": "sampling.grouping",
    "describe": "stats",
    "inter_class_variance": "stats",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
