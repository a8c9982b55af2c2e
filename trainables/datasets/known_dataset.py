"""Everything that is known about a named dataset: a file of `known` with a `KnownDataset` adds one.

Imports no torch, and neither do the files of `known`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from trainables.datasets.attack_budget import AttackBudget, usual_budget
from trainables.datasets.auxiliary_tasks.class_tables import ClassTable
from trainables.datasets.downloads.http import HttpGet
from trainables.datasets.errors import DataError, DataNotFoundError
from trainables.datasets.formats.found import Counts, Found
from trainables.datasets.formats.parquet import GroupsOf, ParquetSource
from trainables.datasets.formats.parquet_files import count_rows, find_files

if TYPE_CHECKING:
    from trainables.datasets.dataset import Dataset


PART = " (part)"
"""The end of the name of a known dataset of which not all images are there."""


class Download(Protocol):
    """Files that can be fetched because their address and a checksum of their content are published."""

    def fetch(self, root: Path, mirror: str | None, get: HttpGet) -> tuple[Path, ...]:
        """The files below the data root, fetched unless they are there and sound.

        Raises `DataError` if the server sends anything but the well-known content; nothing of it is kept.
        """


@dataclass(frozen=True)
class Facts:
    """The facts of a dataset without opening it; `shape`: (C, H, W)."""

    title: str
    shape: tuple[int, int, int]
    classes: tuple[str, ...]
    train: int
    test: int
    resized: bool = False
    """Images have many sizes and are resized to that of `shape`, unless another one is asked for."""
    tile: int | None = None
    """The side of the tiles that its large images are cut into, unless another one is asked for."""
    large: tuple[int, int] | None = None
    """How many images (train, test) the tiles come from; `train` and `test` then count tiles of `tile`."""

    @property
    def stored(self) -> tuple[int, int]:
        """How many images (train, test) its files hold."""
        return self.large or (self.train, self.test)


@dataclass(frozen=True)
class PublishedVariance:
    """The inter-class variance of S3's Table 3, and the size (height and width) of images that it belongs to.

    S3 gives no sizes: at these, measurements give its values.
    """

    value: float
    size: int
    remark: str = ""


@dataclass(frozen=True)
class KnownDataset:
    """A dataset that a study names: what it is, where its files are, what is customary on it.

    A value that is left out is unknown, or follows from the images' shape.
    """

    name: str
    facts: Facts
    find: Callable[[Path], Found | None] | None = None
    """Looks below the data root for the files that its authors distribute; raises `DataError` if they are there in
    part: a Parquet copy next to them might be another one, or a subset."""
    files: str = ""
    """The files and their places below the data root, in words, as the archives unpack."""
    parquet: tuple[str, str] | None = None
    """Files, or folders of such, of training and test split, with columns `image`, `label` and perhaps `label_name`."""
    groups_of: GroupsOf | None = None
    """Gives groups from the names of the original files of the images of `parquet`."""
    load: Callable[[Path], Dataset] | None = None
    """Loads it whole, without the node's cache, if it is small enough for that."""
    draw: Callable[[float], Dataset] | None = None
    """Draws it with classes so far apart, if a program draws it (see `Transformation.separation`)."""
    downloads: tuple[Download, ...] = ()
    """Its downloads; only those with a published address and checksum."""
    bundled: bool = False
    """Comes with an installed package, so there is nothing to fetch."""
    tasks: ClassTable | None = None
    """Its auxiliary tasks."""
    published: PublishedVariance | None = None
    attack: AttackBudget | None = None
    """The customary attack budget; without one, that of `usual_budget` (see `budget`)."""
    network: str | None = None
    """The network that S3's Table 2 trains on it, and the size of images."""
    image_size: int | None = None
    quick: Mapping[str, Any] | None = field(default=None, hash=False)
    """The sizes of scale quick that differ from the plain ones, if others were tried; None: by the images' shape."""

    @property
    def budget(self) -> AttackBudget:
        """Its own attack budget, or that of its images' shape."""
        return self.attack or usual_budget(self.facts.shape)

    def locate(self, root: Path) -> Found | None:
        """The dataset below the data root, first in its authors' files, then in Parquet; None if it isn't there.

        Raises `DataError` if either is there in part.
        """
        files = self.find(root) if self.find is not None else None
        return files or self._in_parquet(root)

    @property
    def what_goes_there(self) -> str:
        """The files that are searched for below the data root."""
        columns = [f"Parquet files {' and '.join(self.parquet)}"] if self.parquet is not None else []
        return ", or ".join([*([self.files] if self.files else []), *columns])

    def absent(self, root: Path) -> DataNotFoundError:
        """The error if it isn't there."""
        if not self.what_goes_there:
            return DataNotFoundError(f"dataset {self.name} is not in {root}; {self._fetch}")
        fetch = f"{self._fetch}, or " if self.downloads else ""
        return DataNotFoundError(
            f"dataset {self.name} is not in {root}; {fetch}put there {self.what_goes_there}; or set --data-root or "
            "SADDLE_DATA to the folder with them"
        )

    @property
    def _fetch(self) -> str:
        return f"fetch it with `saddle data fetch {self.name}`"

    def _in_parquet(self, root: Path) -> Found | None:
        if self.parquet is None:
            return None
        train, test = (root / file for file in self.parquet)
        missing = [path for path in (train, test) if not path.exists()]
        if len(missing) == 2:
            return None
        if missing:
            raise DataError(f"{root} lacks {missing[0].name}, the other half of {self.name}")
        parts = find_files({"train": str(train), "test": str(test)})
        source = ParquetSource(self.name, parts, self.facts.classes, groups_of=self.groups_of)

        def count() -> Counts:
            return {split: count_rows(files) for split, files in parts.items()}

        return Found(source, " and ".join(self.parquet), count)
