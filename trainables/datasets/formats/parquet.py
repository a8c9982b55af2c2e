"""Images in Parquet files for each split, here or on S3, read in small batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from trainables.datasets.errors import DataError, Mistakes
from trainables.datasets.files.locations import File
from trainables.datasets.formats.parquet_columns import Columns, find_columns, reading_path, values_of
from trainables.datasets.formats.parquet_files import open_file, read_batches
from trainables.datasets.names import normal
from trainables.datasets.sampling.group_names import crossing, known_groups, unknown
from trainables.datasets.sources import Contents, GroupName, Sample, SplitName

if TYPE_CHECKING:
    from torch import Tensor


GroupsOf = Callable[[Sequence[tuple[int | None, str | None]]], Sequence[GroupName | None]]
"""Gives the groups of images from their labels and file names."""


@dataclass(frozen=True)
class ParquetSource:
    """The Parquet files that were found, by split."""

    name: str
    parts: Mapping[SplitName, Sequence[File]]
    classes: tuple[str, ...] | None = None
    """The class names of a known dataset, whose labels are their positions; a part of it may lack some of them.

    Where it has masks, label 0 is that of undamaged images.
    """
    image: str | None = None
    label: str | None = None
    group: str | None = None
    """The columns, if they are named."""
    groups_of: GroupsOf | None = None
    """Gives the groups of all images from their labels and the names of their files, if no column does."""

    @property
    def files(self) -> list[tuple[str, File]]:
        return list(self._files())

    def _files(self) -> Iterator[tuple[SplitName, File]]:
        return ((split, file) for split, files in self.parts.items() for file in files)

    def contents(self) -> Contents:
        mistakes = Mistakes()
        labels = {
            split: _Labels.read(files, self._columns, mistakes, named=self.groups_of is not None)
            for split, files in self.parts.items()
        }
        groups = known_groups(self._groups(labels))
        if self.classes is not None:
            mistakes.raise_any()
            positions = {split: labels[split].known(self.classes) for split in self.parts}
            masked = self._masked()
            remarks = (*crossing(groups), *(unknown(groups) if self.groups_of is not None else ()))
            return Contents(
                self.classes,
                positions,
                self._samples(),
                masked,
                undamaged_first=masked,
                groups=groups,
                remarks=remarks,
            )
        training = labels["train"]
        present = {value for value in training.values if value is not None}
        values = sorted(present, key=lambda value: (str(type(value)), value))
        names = training.names_by_label(mistakes)
        classes = training.class_names(values, names, mistakes)
        for split in self.parts.keys() - {"train"}:
            labels[split].compare(values, names, mistakes)
        return Contents(
            classes,
            {split: labels[split].numbered(values) for split in self.parts},
            self._samples(),
            self._masked(),
            mistakes=mistakes.messages,
            origins={split: ", ".join(map(str, files)) for split, files in self.parts.items()},
            groups=groups,
            remarks=(*dict.fromkeys(remark for of in labels.values() for remark in of.remarks), *crossing(groups)),
        )

    def _groups(self, labels: Mapping[SplitName, _Labels]) -> dict[SplitName, Sequence[GroupName | None]]:
        """The groups of each split, from a column or else from the names of the files."""
        stored: dict[SplitName, Sequence[GroupName | None]] = {split: of.groups for split, of in labels.items()}
        if self.groups_of is None or known_groups(stored):
            return stored
        numbered = [
            (label if isinstance(label, int) else None, name)
            for of in labels.values()
            for label, name in zip(of.values, of.origins, strict=True)
        ]
        groups = iter(self.groups_of(numbered))
        return {split: list(islice(groups, len(of.values))) for split, of in labels.items()}

    def _columns(self, file: File, schema: Any) -> Columns:
        return find_columns(file, schema, self.image, self.label, self.group)

    def _masked(self) -> bool:
        masks = (_rows(file, partial(self._chosen, file, ("mask",))) for _, file in self._files())
        return any(mask is not None for rows in masks for (mask,) in rows)

    def _samples(self) -> Iterator[Sample]:
        for split, file in self._files():
            for row, (image, mask) in enumerate(_rows(file, partial(self._chosen, file, ("image", "mask")))):
                yield Sample(split, f"{file}, row {row}", image, mask)

    def _chosen(self, file: File, kinds: Sequence[str], schema: Any) -> list[str | None]:
        columns = self._columns(file, schema)
        return [getattr(columns, kind) for kind in kinds]


def _rows(file: File, choose: Callable[[Any], Sequence[str | None]]) -> Iterator[tuple[Any, ...]]:
    """The rows of the columns that `choose` picks from the schema, None for a missing column."""
    with open_file(file) as opened:
        schema = opened.schema_arrow
        columns = choose(schema)
        paths = [reading_path(schema, name) for name in columns if name is not None]
        if not paths:
            return
        for batch in read_batches(file, opened, paths):
            lists = [[None] * len(batch) if name is None else values_of(batch, name) for name in columns]
            yield from zip(*lists, strict=True)


@dataclass(frozen=True)
class _Labels:
    """The labels of a split as stored, and the row of each; None for a row without a usable label."""

    files: Sequence[File]
    ends: list[int]
    """The number of rows up to the end of each file."""
    values: list[int | str | None]
    names: list[str | None]
    remarks: list[str]
    groups: list[GroupName | None] = field(default_factory=list)
    origins: list[str | None] = field(default_factory=list)
    """The names of the images' original files, if they are needed."""

    @classmethod
    def read(
        cls,
        files: Sequence[File],
        find: Callable[[File, Any], Columns],
        mistakes: Mistakes,
        *,
        named: bool = False,
    ) -> _Labels:
        read = cls(files, [], [], [], [])
        for file in files:
            chosen: list[Columns] = []

            def choose(schema: Any, file: File = file, chosen: list[Columns] = chosen) -> list[str | None]:
                chosen.append(find(file, schema))
                return [chosen[0].label, chosen[0].label_name, chosen[0].group, chosen[0].origin if named else None]

            for row, (stored, name, group, origin) in enumerate(_rows(file, choose)):
                read.append(f"{file}, row {row}", stored, name, chosen[0], mistakes)
                read.groups.append(normal(group) if isinstance(group, str) else group)
                read.origins.append(origin)
            read.ends.append(len(read.values))
            read.remarks.extend(chosen[0].remarks)
        if not read.values:
            raise DataError(f"{files[0]} has no rows" if len(files) == 1 else f"none of {files[0]}, … has a row")
        return read

    def append(self, where: str, stored: Any, name: Any, columns: Columns, mistakes: Mistakes) -> None:
        """Add a row's label and name, or note what is wrong with it."""
        label: int | str | None = None
        if stored is None or stored != stored:
            mistakes.add(f"{where} has no label")
        elif isinstance(stored, float) and not stored.is_integer():
            mistakes.add(f"{where}: column {columns.label!r} must hold integers or text, not double: it has {stored}")
        elif not isinstance(stored, str) and stored < 0:
            mistakes.add(f"{where} has the negative label {int(stored)}")
        elif not isinstance(stored, str) and columns.class_names and stored >= len(columns.class_names):
            mistakes.add(f"{where} has label {int(stored)}, and the schema names {len(columns.class_names)} classes")
        else:
            label = normal(stored) if isinstance(stored, str) else int(stored)
        if name is None and columns.class_names and isinstance(label, int):
            name = columns.class_names[label]
        self.values.append(label)
        self.names.append(None if name is None else normal(name))

    def row(self, index: int) -> str:
        part = next(part for part, end in enumerate(self.ends) if index < end)
        return f"{self.files[part]}, row {index - (self.ends[part - 1] if part else 0)}"

    def names_by_label(self, mistakes: Mistakes) -> dict[int | str, str]:
        """The name of each label: its `label_name` if given, else the schema's name."""
        names: dict[int | str, str] = {}
        for index, (label, name) in enumerate(zip(self.values, self.names, strict=True)):
            if label is not None and name is not None and names.setdefault(label, name) != name:
                mistakes.add(f"{self.row(index)} calls label {label} {name!r}, an earlier row {names[label]!r}")
        return names

    def class_names(
        self, values: Sequence[int | str], names: Mapping[int | str, str], mistakes: Mistakes
    ) -> tuple[str, ...]:
        """The class names of the label values: their names, else the value itself."""
        classes = tuple(names.get(value, str(value)) for value in values)
        twice = next((name for name in classes if classes.count(name) > 1), None)
        if twice is not None:
            mistakes.add(f"{self.files[0]} gives two labels the name {twice!r}")
        return classes

    def known(self, classes: Sequence[str]) -> Tensor:
        """Labels (N,) int64 as stored; raises `DataError` if they or their names aren't those of a known dataset."""
        for index, (label, name) in enumerate(zip(self.values, self.names, strict=True)):
            if not isinstance(label, int) or label >= len(classes):
                raise DataError(f"{self.row(index)} has label {label!r}; labels are 0 to {len(classes) - 1}")
            # Tiny ImageNet's names may contain the WordNet id
            if name is not None and name != classes[label] and name.partition(" ")[2] != classes[label]:
                raise DataError(f"{self.row(index)} calls label {label} {name!r}; it is {classes[label]!r}")
        return _tensor(self.values)

    def compare(self, values: Sequence[int | str], names: Mapping[int | str, str], mistakes: Mistakes) -> None:
        """Note labels that no training image has, and those with another name than there."""
        trained, otherwise = set(values), set()
        for index, (label, name) in enumerate(zip(self.values, self.names, strict=True)):
            if label is None:
                continue
            if label not in trained:
                mistakes.add(f"{self.row(index)} has label {label!r}, which no training image has")
            elif name is not None and names.get(label, name) != name and label not in otherwise:
                otherwise.add(label)
                mistakes.add(f"{self.row(index)} calls label {label} {name!r}, the training images {names[label]!r}")

    def numbered(self, values: Sequence[int | str]) -> Tensor:
        """Labels (N,) int64 as positions in `values`, 0 for those that are wrong."""
        position = {value: index for index, value in enumerate(values)}
        return _tensor([0 if label is None else position.get(label, 0) for label in self.values])


def _tensor(labels: Sequence[Any]) -> Tensor:
    import torch

    return torch.tensor(labels, dtype=torch.int64)
