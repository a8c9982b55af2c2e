"""Tables of results as files: CSV or Parquet, with a row for each arm, seed and block."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from saddle.errors import TableError
from saddle.study.nearest import nearest


@dataclass(frozen=True)
class ResultTable:
    """The cells of a table, row by row, by column name; `places` has the position of each row in the file."""

    file: str
    sha256: str
    columns: Sequence[str]
    rows: Sequence[Mapping[str, Any]]
    places: Sequence[str]

    def require(self, columns: Sequence[str]) -> None:
        """Raise `TableError` that names every one of `columns` that is missing, with the nearest one that exists."""
        problems = []
        for name in dict.fromkeys(columns):
            if name not in self.columns:
                hint = nearest(name, self.columns)
                right = f"did you mean {hint}?" if hint else f"it has: {', '.join(self.columns)}"
                problems.append(f"{self.file} has no column {name!r}; {right}")
        if problems:
            raise TableError(problems)

    def where(self, chosen: Mapping[str, str]) -> ResultTable:
        """The rows that have these texts in these columns; raises `TableError` if there are none."""
        self.require(list(chosen))
        matching = [
            (row, place)
            for row, place in zip(self.rows, self.places, strict=True)
            if all(text_of(row[name]) == value for name, value in chosen.items())
        ]
        if not matching:
            wanted = ", ".join(f"{name}={value}" for name, value in chosen.items())
            raise TableError([f"no row of {self.file} has {wanted}" if chosen else f"{self.file} has no rows"])
        rows, places = zip(*matching, strict=True)
        return ResultTable(self.file, self.sha256, self.columns, rows, places)


def read_table(path: Path) -> ResultTable:
    """The table in a CSV file or, where its name ends in `.parquet`, a Parquet file; raises `TableError`."""
    try:
        content = path.read_bytes()
    except (FileNotFoundError, IsADirectoryError):
        raise TableError([f"file {path} does not exist"]) from None
    reader = _read_parquet if path.suffix == ".parquet" else _read_csv
    columns, rows = reader(content, path.name)
    places, cells = zip(*rows, strict=True) if rows else ((), ())
    return ResultTable(path.name, hashlib.sha256(content).hexdigest(), columns, cells, places)


def digest_of_rows(rows: Sequence[Mapping[str, Any]]) -> str:
    """The SHA-256 of rows that don't come from a file."""
    return hashlib.sha256(json.dumps(rows, sort_keys=True, default=str).encode()).hexdigest()


def text_of(cell: Any) -> str:
    """A cell as text: a whole number without decimals, for any type; nothing if it is empty."""
    if cell is None:
        return ""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()


def _read_csv(content: bytes, name: str) -> tuple[list[str], list[tuple[str, dict[str, Any]]]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise TableError([f"{name} is not UTF-8 text; write it as CSV, or with the ending .parquet"]) from None
    lines = csv.reader(io.StringIO(text, newline=""))
    columns: list[str] = []
    rows = []
    for row in lines:
        if not any(cell.strip() for cell in row) or row[0].startswith("#"):
            continue
        if not columns:
            columns = [cell.strip() for cell in row]
            _refuse_repeated(columns, name)
        elif len(row) != len(columns):
            mismatch = f"it has {len(row)} cells, and the table has {len(columns)} columns"
            raise TableError([f"{name}, line {lines.line_num}: {mismatch}"])
        else:
            rows.append((f"line {lines.line_num}", dict(zip(columns, row, strict=True))))
    return columns, rows


def _read_parquet(content: bytes, name: str) -> tuple[list[str], list[tuple[str, dict[str, Any]]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(io.BytesIO(content), pre_buffer=False).read(use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise TableError([f"{name} is not a Parquet file: {error}"]) from error
    _refuse_repeated(table.column_names, name)
    return table.column_names, [(f"row {number}", row) for number, row in enumerate(_rows(table), start=1)]


def _rows(table: Any) -> Iterator[dict[str, Any]]:
    yield from table.to_pylist()


def _refuse_repeated(columns: Sequence[str], name: str) -> None:
    repeated = next((column for column in columns if columns.count(column) > 1), None)
    if repeated is not None:
        raise TableError([f"{name} has two columns {repeated!r}"])
