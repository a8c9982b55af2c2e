"""The ledger: one immutable Parquet file per finished trial, from which all else can be derived."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from typing import Any

from saddle.store.base import StorageError, Store
from saddle.store.entry import SCHEMA_VERSION, Entry
from saddle.store.opening import study_folder
from saddle.store.reading import in_parallel

PLAIN = {"key", "study", "seed", "outcome", "arm", "number", "why", "selected_epoch", "epochs", "seconds", "attempts",
         "started", "ended", "version"}  # fmt: skip
"""Columns kept as such, so that pyarrow, DuckDB or pandas can query a ledger; the nested rest is JSON text."""


class LaterVersion(StorageError):
    """A newer saddle wrote the entry."""


def to_json(value: Any) -> str:
    """JSON in which numbers that aren't finite are null, as every reader of JSON expects."""
    return json.dumps(_finite(value), sort_keys=True, ensure_ascii=False, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {str(name): _finite(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def encode(entry: Entry) -> bytes:
    """The entry as a Parquet file of one row."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    row = {name: value if name in PLAIN else to_json(value) for name, value in asdict(entry).items()}
    types = {"seed": pa.int64(), "number": pa.int64(), "selected_epoch": pa.int64(), "epochs": pa.int64(),
             "attempts": pa.int64(), "version": pa.int64(), "seconds": pa.float64(), "started": pa.float64(),
             "ended": pa.float64()}  # fmt: skip
    schema = pa.schema([(name, types.get(name, pa.string())) for name in row])
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([row], schema=schema), buffer)
    return buffer.getvalue()


def decode(content: bytes, path: str) -> Entry:
    """The entry in a Parquet file; raises `StorageError` where it is damaged or of a later version."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # one row needs no threads; pyarrow's pools, still starting when a short command ends, abort it now and then
        row = pq.ParquetFile(io.BytesIO(content), pre_buffer=False).read(use_threads=False).to_pylist()[0]
    except (pa.ArrowException, IndexError, OSError) as error:
        raise StorageError(f"the ledger entry {path} is damaged: {error}") from error
    if row["version"] > SCHEMA_VERSION:
        raise LaterVersion(
            f"the ledger entry {path} has version {row['version']}; this saddle reads up to {SCHEMA_VERSION}"
        )
    known = {field.name for field in fields(Entry)}
    return Entry(**{n: v if n in PLAIN else json.loads(v) for n, v in row.items() if n in known})


@dataclass(frozen=True)
class Ledger:
    """All finished trials of one study."""

    store: Store
    study: str

    @property
    def folder(self) -> str:
        return f"{study_folder(self.study)}/ledger"

    def path(self, key: str) -> str:
        return f"{self.folder}/{key}.parquet"

    def add(self, entry: Entry) -> None:
        """Write the entry, whole or not at all."""
        self.store.write(self.path(entry.key), encode(entry))

    def remove(self, key: str) -> None:
        """Forget a trial, so that it is run again (`--retry`)."""
        self.store.delete(self.path(key))

    def __contains__(self, key: str) -> bool:
        return self.store.exists(self.path(key))

    def get(self, key: str) -> Entry:
        """The entry of one trial; raises `FileNotFoundError`."""
        return decode(self.store.read(self.path(key)), self.path(key))

    def __iter__(self) -> Iterator[Entry]:
        paths = [f"{self.folder}/{name}" for name in self.store.names(self.folder)]
        for path, content in zip(paths, in_parallel(self.store, self.store.read, paths), strict=True):
            yield decode(content, path)

    def entries(self) -> list[Entry]:
        """All entries: a search's by number, an ablation's as they were run."""
        return sorted(self, key=lambda e: (e.number if e.number is not None else -1, e.started, e.key))
