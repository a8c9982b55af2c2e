"""Bring your own images: Parquet files for each split, here or on S3, read in small batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from trainables.datasets.config import ParquetDataset
from trainables.datasets.errors import DataError
from trainables.datasets.locations import File
from trainables.datasets.parquet_files import find_files, has_values, open_file, read_batches
from trainables.datasets.sources import SPLITS, Contents, Sample, SplitName

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class ParquetSource:
    """Parquet files that have been found, by split."""

    name: str
    parts: Mapping[SplitName, Sequence[File]]
    classes: tuple[str, ...] | None = None
    """Of a known dataset, whose labels are their positions, and which may be a part that lacks some of them.

    Where it has masks, label 0 is that of undamaged images.
    """

    @property
    def files(self) -> list[tuple[str, File]]:
        return [(split, file) for split, file in self._files()]

    def _files(self) -> Iterator[tuple[SplitName, File]]:
        return ((split, file) for split in SPLITS for file in self.parts[split])

    def contents(self) -> Contents:
        labels = {split: _Labels.read(self.parts[split]) for split in SPLITS}
        if self.classes is not None:
            positions = {split: labels[split].known(self.classes) for split in SPLITS}
            masked = self._masked()
            return Contents(self.classes, positions, self._samples(), masked, undamaged_first=masked)
        values = sorted(set(labels["train"].values), key=lambda value: (str(type(value)), value))
        classes = labels["train"].class_names(values)
        numbered = {split: labels[split].numbered(values) for split in SPLITS}
        return Contents(classes, numbered, self._samples(), self._masked())

    def _masked(self) -> bool:
        return any(has_values(file, "mask") for _, file in self._files())

    def _samples(self) -> Iterator[Sample]:
        for split, file in self._files():
            for row, (image, mask) in enumerate(_rows(file, ("image", "mask"))):
                where = f"{file}, row {row}"
                if image is None:
                    raise DataError(f"{where} has no image")
                yield Sample(split, where, image, mask)


def find_parquet(spec: ParquetDataset) -> ParquetSource:
    """Find the files of both splits, with `image` (PNG or JPEG bytes), `label` (int or text), `label_name`, `mask`.

    Labels are numbered in the sorted order of the training files'. Raises `DataError` naming file and row.
    """
    train, test = find_files(spec.parquet.train, spec.parquet.test)
    name = PurePosixPath(spec.parquet.train.rstrip("/")).stem
    return ParquetSource(name, {"train": train, "test": test})


def _rows(file: File, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """The rows of these columns, None for a column that the file doesn't have."""
    with open_file(file) as opened:
        present = [name for name in columns if name in opened.schema_arrow.names]
        for batch in read_batches(file, opened, present):
            lists = [batch.column(name).to_pylist() if name in present else [None] * len(batch) for name in columns]
            yield from zip(*lists, strict=True)


@dataclass(frozen=True)
class _Labels:
    """The labels of a split as stored, and which row each is in."""

    files: Sequence[File]
    ends: Sequence[int]
    """How many rows there are up to the end of each file."""
    values: list[int | str]
    names: list[str | None]

    @classmethod
    def read(cls, files: Sequence[File]) -> _Labels:
        read = cls(files, ends := [], [], [])
        for file in files:
            for row, (label, name) in enumerate(_rows(file, ("label", "label_name"))):
                if label is None:
                    raise DataError(f"{file}, row {row} has no label")
                if isinstance(label, int) and label < 0:
                    raise DataError(f"{file}, row {row} has the negative label {label}")
                read.values.append(label)
                read.names.append(name)
            ends.append(len(read.values))
        if not read.values:
            raise DataError(f"{files[0]} has no rows" if len(files) == 1 else f"none of {files[0]}, … has a row")
        return read

    def row(self, index: int) -> str:
        part = next(part for part, end in enumerate(self.ends) if index < end)
        return f"{self.files[part]}, row {index - (self.ends[part - 1] if part else 0)}"

    def class_names(self, values: Sequence[int | str]) -> tuple[str, ...]:
        """The class names of the label values: `label_name` where it is given, else the value itself."""
        names: dict[int | str, str] = {}
        for index, (label, name) in enumerate(zip(self.values, self.names, strict=True)):
            if name is not None and names.setdefault(label, name) != name:
                raise DataError(f"{self.row(index)} calls label {label} {name!r}, an earlier row {names[label]!r}")
        classes = tuple(names.get(value, str(value)) for value in values)
        twice = next((name for name in classes if classes.count(name) > 1), None)
        if twice is not None:
            raise DataError(f"{self.files[0]} gives two labels the name {twice!r}")
        return classes

    def known(self, classes: Sequence[str]) -> Tensor:
        """Labels (N,) int64 as they are stored, where they and their names are those of a known dataset."""
        for index, (label, name) in enumerate(zip(self.values, self.names, strict=True)):
            if not isinstance(label, int) or label >= len(classes):
                raise DataError(f"{self.row(index)} has label {label!r}; labels are 0 to {len(classes) - 1}")
            # of Tiny ImageNet's names the WordNet id may be a part
            if name is not None and name != classes[label] and name.partition(" ")[2] != classes[label]:
                raise DataError(f"{self.row(index)} calls label {label} {name!r}; it is {classes[label]!r}")
        return _tensor(self.values)

    def numbered(self, values: Sequence[int | str]) -> Tensor:
        """Labels (N,) int64 as positions in `values`."""
        position = {value: index for index, value in enumerate(values)}
        for index, label in enumerate(self.values):
            if label not in position:
                raise DataError(f"{self.row(index)} has label {label!r}, which no training image has")
        return _tensor([position[label] for label in self.values])


def _tensor(labels: Sequence[Any]) -> Tensor:
    import torch

    return torch.tensor(labels, dtype=torch.int64)
