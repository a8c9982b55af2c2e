"""Records as rows of Parquet: plain columns for what is asked for, JSON text for what is nested."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar

import orjson

from saddle.errors import LaterVersion, StorageError
from saddle.store.paths import is_name
from saddle.trial.json_text import to_json
from saddle.trial.lazy_json import JsonList
from saddle.trial.measurement import Measurement
from saddle.trial.progress import TrialProgress
from saddle.trial.record import SCHEMA_VERSION, TrialRecord
from saddle.trial.run_id import RunId
from saddle.trial.spec import TrialSpec

T = TypeVar("T")

COLUMNS = {
    "key": "string", "study": "string", "seed": "int64", "outcome": "string", "params": "shared", "settings": "shared",
    "metrics": "json", "arm": "string", "block": "shared", "number": "int64", "why": "string", "test_last": "json",
    "curve": "lazy", "selected_epoch": "int64", "epochs": "int64", "seconds": "float64", "attempts": "int64",
    "started": "float64", "ended": "float64", "times": "lazy", "arrays": "json", "images": "json",
    "checkpoints": "json", "sources": "shared", "fingerprints": "shared", "not_finite": "shared",
    "token": "int64", "version": "int64",
}  # fmt: skip
"""The columns and what is in their cells. Text and numbers are such that pyarrow, DuckDB or pandas can query a ledger.
The nested rest is JSON text: `shared` tends to say the same of many trials, so that these share what was parsed, and
may hold any value; `json` holds numbers and paths, which a faster parser reads; `lazy` stays text until it is read."""

JSON = ("shared", "json", "lazy")

PATHS = ("arrays", "images", "checkpoints")
"""Columns of paths, relative to the run's folder."""


def encode(record: TrialRecord) -> bytes:
    """The record as a Parquet file of one row; later measurements and checks are in separate files."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    row = {name: _cell(kind, getattr(record, name)) for name, kind in COLUMNS.items()}
    types = [(name, pa.type_for_alias("string" if kind in JSON else kind)) for name, kind in COLUMNS.items()]
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([row], schema=pa.schema(types)), buffer)
    return buffer.getvalue()


def _cell(kind: str, value: Any) -> Any:
    if kind not in JSON:
        return value
    return value.text if isinstance(value, JsonList) else to_json(value)


def decode(content: bytes, path: str, parser: Parser | None = None) -> TrialRecord:
    """The record in a Parquet file; raises `StorageError` if it is damaged or of a later version."""
    row = read_row(content, path)
    try:
        record = next(records_in(row, path, parser or Parser()))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StorageError(f"the ledger entry {path} is damaged: {error!r}") from error
    if not is_name(record.key):  # a part of paths
        raise StorageError(f"the ledger entry {path} is damaged: {record.key!r} can't be the key of a trial")
    return record


def read_row(content: bytes, path: str) -> Any:
    """The table of one row in a ledger file; raises `StorageError` if it is damaged."""
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


def records_in(table: Any, path: str, parser: Parser) -> Iterator[TrialRecord]:
    """The records in the rows of a table from `path`, sharing what one `parser` has parsed; raises `LaterVersion`."""
    newest = max(table["version"].to_pylist(), default=0)
    if newest > SCHEMA_VERSION:
        raise LaterVersion(f"the ledger entry {path} has version {newest}; this saddle reads up to {SCHEMA_VERSION}")
    names = [name for name in table.column_names if name in COLUMNS]
    return assemble({name: parser.column(name, table[name].to_pylist()) for name in names})


def assemble(columns: Mapping[str, Iterable[Any]]) -> Iterator[TrialRecord]:
    """The records whose parts have these fields, a column each; that of `study` holds runs."""

    def rows(part: type[T], **inner: Iterable[Any]) -> Iterator[T]:
        names = {field.name for field in fields(part)}  # type: ignore[arg-type]
        own = {name: cells for name, cells in columns.items() if name in names} | inner
        return (part(**dict(zip(own, row, strict=True))) for row in zip(*own.values(), strict=True))

    progress = rows(TrialProgress, spec=rows(TrialSpec, run=columns["study"]))
    return rows(TrialRecord, progress=progress, measurement=rows(Measurement))


class Parser:
    """Makes of cells what the parts of records hold; what is equal in many rows becomes one object."""

    def __init__(self, run: RunId | None = None) -> None:
        """Of the ledger of `run`, in whose folder the paths are; without it the paths are not changed."""
        self._run = run
        self._shared: dict[str, Any] = {}
        self._decode = json.JSONDecoder(object_pairs_hook=_with_known_names).decode

    def column(self, name: str, cells: Sequence[Any]) -> Sequence[Any]:
        """The values of a column."""
        if name == "study":
            runs = {study: self._run_of(study) for study in set(cells)}
            return [runs[study] for study in cells]
        if name in PATHS and self._run is not None:
            place = self._run.place
            return [{name: place(path) for name, path in orjson.loads(text).items()} for text in cells]
        match COLUMNS[name]:
            case "lazy":
                return [JsonList(text) for text in cells]
            case "shared":
                return [self._parsed(text) for text in cells]
            case "json":
                return [orjson.loads(text) for text in cells]
        return [sys.intern(cell) if name in ("outcome", "arm") and cell else cell for cell in cells]

    def _run_of(self, study: str) -> RunId:
        return self._run if self._run is not None and self._run.study == study else RunId(study)

    def _parsed(self, text: str) -> Any:
        if text not in self._shared:
            self._shared[text] = self._decode(text)
        return self._shared[text]


def _with_known_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A mapping whose names are the same objects in every entry."""
    return {sys.intern(name): value for name, value in pairs}
