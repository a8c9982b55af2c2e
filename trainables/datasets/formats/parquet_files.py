"""Parquet files of images: found in folders, checked, and read piece by piece. Imports no torch."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from trainables.datasets.errors import DataError, DataNotFoundError
from trainables.datasets.files.addresses import find
from trainables.datasets.files.locations import File, Folder, Location
from trainables.datasets.formats.layout import in_words, role_of
from trainables.datasets.sources import SplitName

ENDING = ".parquet"
PIECE = 4 << 20
"""Bytes per read: a row group may be as large as its file."""
BATCH = 1 << 20
"""Bytes per batch; a page of the file, and its dictionary, are decoded as a whole."""
ROWS = 4096
"""Rows per batch at most."""


def find_files(addresses: Mapping[SplitName, str]) -> dict[SplitName, list[File]]:
    """The Parquet files of each split: the file itself, or every `*.parquet` below a folder, sorted by name.

    In a folder with files of several splits, as Hugging Face lays them out (train-00000-of-00002.parquet), those that
    are named after the split.
    """
    locations = zip(addresses.items(), find(*addresses.values()), strict=True)
    return {split: _below(address, location, split) for (split, address), location in locations}


def _below(address: str, location: Location | None, split: SplitName) -> list[File]:
    if location is None:
        raise DataNotFoundError(f"Parquet file {address} does not exist")
    if isinstance(location, File):
        return [location]
    files = list(_walk(location))
    if not files:
        raise DataNotFoundError(f"folder {location} has no *{ENDING} files")
    roles = [role_of(re.split(r"[-.]", file.name)[0]) for file in files]
    if len(set(roles) - {None}) < 2:
        return files
    if split not in roles:
        others = in_words(sorted({role for role in roles if role is not None}))
        raise DataNotFoundError(f"folder {location} has *{ENDING} files of {others}, and none of {split}")
    return [file for file, role in zip(files, roles, strict=True) if role == split]


def _walk(folder: Folder) -> Iterator[File]:
    for child in folder.children():
        if child.name.startswith((".", "_")):  # internal files of partitioned writers
            continue
        if isinstance(child, Folder):
            yield from _walk(child)
        elif child.name.endswith(ENDING):
            yield child


def count_rows(files: Sequence[File]) -> int:
    """How many rows the files have, by their footers."""
    import pyarrow.parquet as pq

    total = 0
    for file in files:
        with _explained(file), pq.ParquetFile(file.open()) as opened:
            total += int(opened.metadata.num_rows)
    return total


@contextmanager
def open_file(file: File) -> Iterator[Any]:
    """The opened Parquet file; raises `DataError` unless it is one."""
    import pyarrow.parquet as pq

    with _explained(file):
        # a single file: read_table would take part of the path for a partition
        opened = pq.ParquetFile(file.open(), pre_buffer=False, buffer_size=PIECE, page_checksum_verification=True)
    with opened:
        yield opened


def read_batches(file: File, opened: Any, columns: Sequence[str]) -> Iterator[Any]:
    """Batches of rows of some columns, each of about a megabyte."""
    rows = max(1, min(ROWS, BATCH // max(1, _row_size(opened.metadata, columns))))
    batches = opened.iter_batches(batch_size=rows, columns=list(columns), use_threads=False)
    while True:
        with _explained(file):
            batch = next(batches, None)
        if batch is None:
            return
        yield batch


def _row_size(metadata: Any, columns: Sequence[str]) -> int:
    """Bytes of a row in these columns, from the largest row group's mean."""
    groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
    return max(
        (
            sum(
                column.total_uncompressed_size
                for column in map(group.column, range(group.num_columns))
                if column.path_in_schema in columns
            )
            // max(1, group.num_rows)
            for group in groups
        ),
        default=0,
    )


@contextmanager
def _explained(file: File) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except DataError:
        raise
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{file} is not a readable Parquet file: {error}") from None
