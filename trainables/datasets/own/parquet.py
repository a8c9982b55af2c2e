"""Bring your own images: Parquet files for each split, here or on S3. Imports no torch."""

from __future__ import annotations

from pathlib import PurePosixPath

from trainables.datasets.config import ParquetDataset
from trainables.datasets.formats.parquet import ParquetSource
from trainables.datasets.formats.parquet_files import find_files


def find_parquet(spec: ParquetDataset) -> ParquetSource:
    """Find the files of all splits, with images (PNG or JPEG bytes), labels (numbers or text), `label_name`, `mask`,
    `group`.

    Labels are numbered in the sorted order of the training files'. Raises `DataError` naming file and row.
    """
    parts = find_files(spec.parquet.splits)
    name = PurePosixPath(spec.parquet.train.rstrip("/")).stem
    files = spec.parquet
    return ParquetSource(name, parts, image=files.image, label=files.label, group=files.group)
