"""Bring your own images: one Parquet file per split."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from trainables.datasets.config import ParquetDataset
from trainables.datasets.dataset import Dataset, Split
from trainables.datasets.errors import DataError, DataNotFoundError, nearest
from trainables.datasets.images import decode, stack

COLUMNS = ("image", "label", "label_name", "mask")
REQUIRED = ("image", "label")


@dataclass(frozen=True)
class _Table:
    """One file's rows; `labels` are numbers or names as stored, `masks` None where a row has none."""

    path: Path
    images: list[Image.Image]
    labels: list[int | str]
    label_names: list[str | None]
    masks: list[Image.Image | None]

    def row(self, index: int) -> str:
        return f"{self.path}, row {index}"


def load_parquet(spec: ParquetDataset) -> Dataset:
    """Load Parquet files with `image` (PNG or JPEG bytes), `label` (int or text), optional `label_name` and `mask`.

    Labels are numbered in the sorted order of the training file's. Raises `DataError` naming file and row.
    """
    train = _read(Path(spec.parquet.train).expanduser())
    test = _read(Path(spec.parquet.test).expanduser())
    values = sorted(set(train.labels), key=lambda value: (str(type(value)), value))
    classes = _class_names(train, values)
    tables = (train, test)
    names = [table.row(index) for table in tables for index in range(len(table.images))]
    images = stack([*train.images, *test.images], names, spec.height_width)
    splits = [
        Split(part, _numbered(table, values), _masks(table, spec.height_width))
        for table, part in zip(tables, images.tensor_split([len(train.images)]), strict=True)
    ]
    return Dataset(Path(spec.parquet.train).stem, classes, *splits)


def _read(path: Path) -> _Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        raise DataNotFoundError(f"Parquet file {path} {'is no file' if path.exists() else 'does not exist'}")
    try:
        # one file as it is: read_table would take part of the path for a partition
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            missing = [name for name in REQUIRED if name not in names]
            if missing:
                raise DataError(
                    f"{path} has no column {missing[0]!r}; its columns are {', '.join(names) or 'none'}; "
                    f"{nearest(missing[0], names)}"
                )
            table = file.read(columns=[name for name in COLUMNS if name in names])
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} is no readable Parquet file: {error}") from None
    if table.num_rows == 0:
        raise DataError(f"{path} has no rows")
    _check_types(path, table.schema, pa.types)
    columns: dict[str, list[Any]] = {name: table.column(name).to_pylist() for name in table.column_names}
    for name in REQUIRED:
        if None in columns[name]:
            raise DataError(f"{path}, row {columns[name].index(None)} has no {name}")
    rows = range(table.num_rows)
    masks = columns.get("mask") or [None] * table.num_rows
    return _Table(
        path,
        [decode(columns["image"][index], f"{path}, row {index}") for index in rows],
        columns["label"],
        columns.get("label_name") or [None] * table.num_rows,
        [None if masks[index] is None else decode(masks[index], f"{path}, row {index}, mask") for index in rows],
    )


def _check_types(path: Path, schema: Any, types: Any) -> None:
    def binary(kind: Any) -> bool:
        return bool(types.is_binary(kind) or types.is_large_binary(kind) or types.is_null(kind))

    def text(kind: Any) -> bool:
        return bool(types.is_string(kind) or types.is_large_string(kind))

    wanted = {
        "image": ("encoded bytes (binary)", binary),
        "label": ("integers or text", lambda kind: types.is_integer(kind) or text(kind)),
        "label_name": ("text", lambda kind: text(kind) or types.is_null(kind)),
        "mask": ("encoded bytes (binary)", binary),
    }
    for field in schema:
        description, accepts = wanted[field.name]
        if not accepts(field.type):
            raise DataError(f"{path}: column {field.name!r} must hold {description}, not {field.type}")


def _class_names(table: _Table, values: list[int | str]) -> tuple[str, ...]:
    """The class names of the label values: `label_name` where it is given, else the value itself."""
    names: dict[int | str, str] = {}
    for index, (label, name) in enumerate(zip(table.labels, table.label_names, strict=True)):
        if isinstance(label, int) and label < 0:
            raise DataError(f"{table.row(index)} has the negative label {label}")
        if name is not None and names.setdefault(label, name) != name:
            raise DataError(f"{table.row(index)} calls label {label} {name!r}, an earlier row {names[label]!r}")
    classes = tuple(names.get(value, str(value)) for value in values)
    twice = next((name for name in classes if classes.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"{table.path} gives two labels the name {twice!r}")
    return classes


def _numbered(table: _Table, values: list[int | str]) -> torch.Tensor:
    """Labels (N,) int64 as positions in `values`."""
    position = {value: index for index, value in enumerate(values)}
    for index, label in enumerate(table.labels):
        if label not in position:
            raise DataError(f"{table.row(index)} has label {label!r}, which no training image has")
    return torch.tensor([position[label] for label in table.labels])


def _masks(table: _Table, size: tuple[int, int] | None) -> torch.Tensor | None:
    """Masks (N, H, W) uint8, zero where a row has none; None when no row has one."""
    if not any(table.masks):
        return None
    resized = []
    for index, (image, mask) in enumerate(zip(table.images, table.masks, strict=True)):
        mask = Image.new("L", image.size) if mask is None else mask.convert("L")
        if mask.size != image.size:
            raise DataError(
                f"{table.row(index)} has a mask of {mask.height}×{mask.width} pixels on an image of "
                f"{image.height}×{image.width}"
            )
        if size is not None:  # nearest, because a mask's values are names, not amounts
            mask = mask.resize((size[1], size[0]), Image.Resampling.NEAREST)
        resized.append(mask)
    return stack(resized, [table.row(index) for index in range(len(resized))], None).squeeze(1)
