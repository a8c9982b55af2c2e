"""A dataset before it is decoded: its files, and its images one by one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from trainables.datasets.files.locations import File

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

SplitName = Literal["train", "test", "validation"]
GroupName = str | int
SPLITS: tuple[SplitName, ...] = ("train", "test")
"""The splits of every dataset; only own data may also have `validation`."""


@dataclass(frozen=True)
class Sample:
    """One image, encoded or as pixels (H, W) or (H, W, 3) uint8, its mask likewise; `where` names it in errors.

    `image` is None if there should be one and isn't.
    """

    split: SplitName
    where: str
    image: bytes | np.ndarray[Any, Any] | None
    mask: bytes | np.ndarray[Any, Any] | None = None


@dataclass(frozen=True)
class Contents:
    """Class names, labels (N,) int64 by split, and the samples, each split's in the order of its labels."""

    classes: tuple[str, ...]
    labels: Mapping[SplitName, Tensor]
    samples: Iterator[Sample]
    masked: bool = False
    """Whether samples have masks; one without has no damage."""
    undamaged_first: bool = False
    """Whether label 0 is that of undamaged images, as in all known datasets that have masks."""
    mistakes: Sequence[str] = ()
    """Mistakes so far, reported together with those of the images."""
    origins: Mapping[SplitName, str] = field(default_factory=dict)
    """Where the images of each split come from, in words."""
    groups: Mapping[SplitName, Sequence[GroupName | None]] = field(default_factory=dict)
    """By split, which physical thing or recording each image shows, None for one without others; absent if not known.

    A name has the same meaning in all splits.
    """
    remarks: Sequence[str] = ()
    """What users may not expect: what isn't read, or how something was interpreted."""


class Source(Protocol):
    """A dataset whose files have been found but not opened."""

    @property
    def name(self) -> str:
        """The name of the dataset."""

    @property
    def files(self) -> Sequence[tuple[str, File]]:
        """Every file, with its purpose."""

    def contents(self) -> Contents:
        """Read it, images as they are asked for; raises `DataError` naming file and row of what is wrong."""
