"""The ledger once more in a few large files, because ten thousand small ones take long to read.

Derived and never trusted over the ledger's own files: each row has the stamp of the file it was read from, and counts
only while that file still has it. A file that changed in any way since (removed, run again, copied, restored) is read
itself. Only the study's driver writes segments; a reader that finds one damaged, or gone meanwhile, does without it.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from saddle.errors import Damaged, ForeignPath, StorageError
from saddle.store.base import Store
from saddle.store.ledger.record_parquet import COLUMNS, read_row
from saddle.store.open import study_folder
from saddle.store.parallel import in_parallel
from saddle.trial.record import SCHEMA_VERSION
from saddle.trial.run_id import RunId

SEGMENT = 500
"""Entries of a full segment."""

FEWEST = 50
"""So many files are read one by one before an index is worth having."""

STAMP = "stamp"
"""The column with the stamp of the ledger file that a row was read from (`Store.etags`)."""


@dataclass(frozen=True)
class Segment:
    """One file of the index, and the etags of the ledger files that it holds, by their names; None if unreadable."""

    path: str
    etags: Mapping[str, str] | None
    table: Any = None

    def fresh(self, now: Mapping[str, str]) -> list[str]:
        """The ledger files that it holds unchanged."""
        return [name for name, stamp in (self.etags or {}).items() if now.get(name) == stamp]

    def rows(self, names: Sequence[str]) -> Any:
        """The rows of these ledger files, in their order."""
        held_names = list(self.etags or {})
        if held_names == list(names):
            return self.table
        place = {name: row for row, name in enumerate(held_names)}
        return self.table.take([place[name] for name in names])


def index_folder(run: RunId) -> str:
    """Where the segments of the index of a run's ledger are stored."""
    return f"{study_folder(run)}/ledger-index"


def read_segments(store: Store, run: RunId, columns: Sequence[str] | None = None) -> Iterator[Segment]:
    """Every segment, the latest first; of the entries all columns by default."""
    folder = index_folder(run)
    paths = sorted((f"{folder}/{name}" for name in store.names(folder)), key=number_of_segment, reverse=True)

    def read(path: str) -> bytes | None:
        try:
            return store.read(path)
        except (FileNotFoundError, Damaged, ForeignPath, OSError):
            return None  # replaced since, or not what was written

    for path, content in zip(paths, in_parallel(store, read, paths), strict=True):
        yield Segment(path, None) if content is None else parse_segment(path, content, columns)


def parse_segment(path: str, content: bytes, columns: Sequence[str] | None = None) -> Segment:
    """The segment in a Parquet file; one without etags if it is damaged or a later version wrote it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if checksum_in_name(path) != checksum(content):
            return Segment(path, None)
        file = pq.ParquetFile(io.BytesIO(content), pre_buffer=False)  # and no threads, for the reason in `read_row`
        table = file.read(columns=None if columns is None else [*columns, "key", STAMP, "version"], use_threads=False)
        if max(table["version"].to_pylist(), default=0) > SCHEMA_VERSION:
            return Segment(path, None)
        names = [f"{key}.parquet" for key in table["key"].to_pylist()]
        return Segment(path, dict(zip(names, table[STAMP].to_pylist(), strict=True)), table)
    except (pa.ArrowException, OSError, KeyError, TypeError, ValueError):
        return Segment(path, None)


def write_index(store: Store, run: RunId, ledger: str) -> None:
    """Bring the index of the ledger in the folder `ledger` up to date; only for the holder of the study's lock.

    Full segments whose every row is fresh stay, others are replaced. Files that can't be read stay out of it.
    """
    import pyarrow as pa

    now = store.etags(ledger)
    segments = list(read_segments(store, run, columns=[]))
    complete = [segment for segment in segments if len(segment.fresh(now)) >= SEGMENT]
    indexed = {name for segment in segments for name in segment.fresh(now)}
    if len(now) - len(indexed) < FEWEST and all(segment.etags is not None for segment in segments):
        return
    rest = sorted(set(now) - {name for segment in complete for name in segment.fresh(now)})
    number = 1 + max((number_of_segment(segment.path) for segment in segments), default=0)
    for start in range(0, len(rest), SEGMENT):
        batch = rest[start : start + SEGMENT]
        tables = in_parallel(store, lambda name: _row(store, f"{ledger}/{name}", now[name]), batch)
        readable = [table for table in tables if table is not None]
        if readable:
            content = _parquet(pa.concat_tables(readable, promote_options="default"))
            store.write(f"{index_folder(run)}/{number:06d}-{checksum(content)}.parquet", content)
            number += 1
    for segment in segments:
        if segment not in complete:
            store.delete(segment.path)


def _row(store: Store, path: str, stamp: str) -> Any:
    """The row of a ledger file with its stamp, or None if it can't be read or is the entry of another key."""
    import pyarrow as pa

    try:
        table = read_row(store.read(path), path)
        if f"/{table['key'][0].as_py()}.parquet" != path[path.rindex("/") :]:
            return None
        return table.append_column(STAMP, pa.array([stamp], pa.string()))
    except (FileNotFoundError, StorageError, KeyError):
        return None


def checksum(content: bytes) -> str:
    """The checksum in a segment's name, because a flipped bit in a Parquet file may change a number unnoticed."""
    return hashlib.sha256(content).hexdigest()[:32]


def checksum_in_name(path: str) -> str:
    """What the content of a segment must have for a checksum."""
    return path.rpartition("-")[2].removesuffix(".parquet")


def number_of_segment(path: str) -> int:
    """The number in a segment's name; 0 for a file that is not ours."""
    number = path.rpartition("/")[2].partition("-")[0]
    return int(number) if number.isdigit() else 0


def _parquet(table: Any) -> bytes:
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    alike = [name for name in table.column_names if COLUMNS.get(name) != "lazy"]
    pq.write_table(table, buffer, compression="zstd", use_dictionary=alike)
    return buffer.getvalue()
