"""Entries as rows of Parquet: plain columns for what is asked for, JSON text for what is nested."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any

import orjson

from saddle.store.base import StorageError
from saddle.store.paths import is_name
from saddle.trial.json_text import to_json
from saddle.trial.lazy_json import JsonList
from saddle.trial.record import SCHEMA_VERSION, TrialRecord

PLAIN = {"key", "study", "seed", "outcome", "arm", "number", "why", "selected_epoch", "epochs", "seconds", "attempts",
         "started", "ended", "token", "version"}  # fmt: skip
"""Columns kept as such, so that pyarrow, DuckDB or pandas can query a ledger; the nested rest is JSON text."""

LAZY = {"curve", "times"}
"""Columns that stay text until somebody looks."""

OF_A_STUDY = {"settings", "block", "sources", "fingerprints", "params"}
"""Columns that tend to say the same of many trials, so that these share what was parsed; they may hold any value. The
others hold numbers and paths, which a faster parser reads."""

BESIDE = {"checks", "evaluation", "measured", "earlier"}
"""Fields that lie in files of their own (see `checks` and `measurements`)."""

COLUMNS = {field.name for field in fields(TrialRecord)} - BESIDE


class LaterVersion(StorageError):
    """A newer saddle wrote the entry."""


def encode(entry: TrialRecord) -> bytes:
    """The entry as a Parquet file of one row."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    row = {
        field.name: _cell(field.name, getattr(entry, field.name)) for field in fields(entry) if field.name in COLUMNS
    }
    types = {"seed": pa.int64(), "number": pa.int64(), "selected_epoch": pa.int64(), "epochs": pa.int64(),
             "attempts": pa.int64(), "token": pa.int64(), "version": pa.int64(), "seconds": pa.float64(),
             "started": pa.float64(), "ended": pa.float64()}  # fmt: skip
    schema = pa.schema([(name, types.get(name, pa.string())) for name in row])
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([row], schema=schema), buffer)
    return buffer.getvalue()


def _cell(name: str, value: Any) -> Any:
    if name in PLAIN:
        return value
    return value.text if isinstance(value, JsonList) else to_json(value)


def decode(content: bytes, path: str, parser: Parser | None = None) -> TrialRecord:
    """The entry in a Parquet file; raises `StorageError` where it is damaged or of a later version."""
    entry = next(entries_in(read_row(content, path), path, parser))
    if not is_name(entry.key):  # a part of paths
        raise StorageError(f"the ledger entry {path} is damaged: {entry.key!r} can't be the key of a trial")
    return entry


def read_row(content: bytes, path: str) -> Any:
    """The table of one row in a ledger file; raises `StorageError` where it is damaged."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # one row needs no threads; pyarrow's pools, still starting when a short command ends, abort it now and then
        table = pq.ParquetFile(io.BytesIO(content), pre_buffer=False).read(use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise StorageError(f"the ledger entry {path} is damaged: {error}") from error
    if not table.num_rows:
        raise StorageError(f"the ledger entry {path} is damaged: it has no row")
    return table.slice(0, 1)


def entries_in(table: Any, path: str, parser: Parser | None = None) -> Iterator[TrialRecord]:
    """The entries in the rows of a table from `path`, sharing what one `parser` has parsed; raises `LaterVersion`."""
    newest = max(table["version"].to_pylist(), default=0)
    if newest > SCHEMA_VERSION:
        raise LaterVersion(f"the ledger entry {path} has version {newest}; this saddle reads up to {SCHEMA_VERSION}")
    parser = parser or Parser()
    names = [name for name in table.column_names if name in COLUMNS]
    columns = [parser.column(name, table[name].to_pylist()) for name in names]
    for row in zip(*columns, strict=True):
        yield TrialRecord(**dict(zip(names, row, strict=True)))


class Parser:
    """Makes of cells what entries hold; what is equal in many rows becomes one object."""

    def __init__(self) -> None:
        self._shared: dict[str, Any] = {}
        self._decode = json.JSONDecoder(object_pairs_hook=_with_known_names).decode

    def column(self, name: str, cells: Sequence[Any]) -> Sequence[Any]:
        """The values of a column."""
        if name in LAZY:
            return [JsonList(text) for text in cells]
        if name in PLAIN:
            return [sys.intern(cell) if name in ("study", "outcome", "arm") and cell else cell for cell in cells]
        return [self._parsed(text) for text in cells] if name in OF_A_STUDY else [orjson.loads(text) for text in cells]

    def _parsed(self, text: str) -> Any:
        if text not in self._shared:
            self._shared[text] = self._decode(text)
        return self._shared[text]


def _with_known_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A mapping whose names are the same objects in every entry."""
    return {sys.intern(name): value for name, value in pairs}
