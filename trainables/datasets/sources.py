"""What a dataset of one's own is before it is decoded: its files, and its images one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from torch import Tensor

from trainables.datasets.config import FolderDataset, ParquetDataset
from trainables.datasets.locations import File

SplitName = Literal["train", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "test")


@dataclass(frozen=True)
class Sample:
    """One encoded image; `where` names it in errors."""

    split: SplitName
    where: str
    image: bytes
    mask: bytes | None = None


@dataclass(frozen=True)
class Contents:
    """Class names, labels (N,) int64 by split, and the samples, each split's in the order of its labels."""

    classes: tuple[str, ...]
    labels: Mapping[SplitName, Tensor]
    samples: Iterator[Sample]


class Source(Protocol):
    """A dataset whose files have been found and not been opened."""

    @property
    def name(self) -> str:
        """How the dataset is called."""

    @property
    def files(self) -> Sequence[tuple[str, File]]:
        """Every file, with what it is for."""

    def contents(self) -> Contents:
        """Read it, images as they are asked for; raises `DataError` naming file and row of what is wrong."""


def find_source(spec: FolderDataset | ParquetDataset) -> Source:
    """The source of a description; raises `DataNotFoundError` for what isn't there."""
    if isinstance(spec, FolderDataset):
        from trainables.datasets.folder import find_folder

        return find_folder(spec)
    from trainables.datasets.parquet import find_parquet

    return find_parquet(spec)
