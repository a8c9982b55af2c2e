"""Parquet files of images: found in folders, checked, and read piece by piece. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from trainables.datasets.errors import DataError, DataNotFoundError, nearest
from trainables.datasets.locations import File, Folder, Location, find

REQUIRED = ("image", "label")
ENDING = ".parquet"
PIECE = 4 << 20
"""Bytes read at once: a row group may be as large as its file."""
BATCH = 1 << 20
"""Bytes handed on at once; a page of the file, and its dictionary, are decoded as a whole."""
ROWS = 4096
"""Rows handed on at once at most."""


def find_files(*addresses: str) -> list[list[File]]:
    """The Parquet files at each address: the file itself, or every `*.parquet` below a folder, sorted by name."""
    return [_below(address, location) for address, location in zip(addresses, find(*addresses), strict=True)]


def _below(address: str, location: Location | None) -> list[File]:
    if location is None:
        raise DataNotFoundError(f"Parquet file {address} does not exist")
    if isinstance(location, File):
        return [location]
    found = list(_walk(location))
    if not found:
        raise DataNotFoundError(f"folder {location} has no *{ENDING} files")
    return found


def _walk(folder: Folder) -> Iterator[File]:
    for child in folder.children():
        if child.name.startswith((".", "_")):  # what writers of partitions keep for themselves
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
    """The opened Parquet file; raises `DataError` unless it is one that has the columns of images."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with _explained(file):
        # one file as it is: read_table would take part of the path for a partition
        opened = pq.ParquetFile(file.open(), pre_buffer=False, buffer_size=PIECE, page_checksum_verification=True)
    with opened:
        _check_columns(file, opened.schema_arrow, pa.types)
        yield opened


def has_values(file: File, column: str) -> bool:
    """Whether the file has this column, and more than nulls in it."""
    with open_file(file) as opened:
        if column not in opened.schema_arrow.names:
            return False
        return any(batch.column(column).null_count < len(batch) for batch in read_batches(file, opened, [column]))


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
    """Bytes that a row has in these columns, by the largest row group's mean."""
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
        raise DataError(f"{file} is no readable Parquet file: {error}") from None


def _check_columns(file: File, schema: Any, types: Any) -> None:
    def binary(kind: Any) -> bool:
        return bool(types.is_binary(kind) or types.is_large_binary(kind) or types.is_null(kind))

    def text(kind: Any) -> bool:
        return bool(types.is_string(kind) or types.is_large_string(kind))

    missing = [name for name in REQUIRED if name not in schema.names]
    if missing:
        raise DataError(
            f"{file} has no column {missing[0]!r}; its columns are {', '.join(schema.names) or 'none'}; "
            f"{nearest(missing[0], schema.names)}"
        )
    wanted = {
        "image": ("encoded bytes (binary)", binary),
        "label": ("integers or text", lambda kind: types.is_integer(kind) or text(kind)),
        "label_name": ("text", lambda kind: text(kind) or types.is_null(kind)),
        "mask": ("encoded bytes (binary)", binary),
    }
    for field in schema:
        description, accepts = wanted.get(field.name, ("", lambda kind: True))
        if not accepts(field.type):
            raise DataError(f"{file}: column {field.name!r} must hold {description}, not {field.type}")
