"""What a dataset is before it is decoded: its files, and its images one after the other."""

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
"""What every dataset has; `validation` only one's own may bring."""


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
    """Samples have masks, and one without has no damage."""
    undamaged_first: bool = False
    """Label 0 is that of undamaged images, as in all known datasets that have masks."""
    mistakes: Sequence[str] = ()
    """What is wrong already, to be reported together with what is wrong with the images."""
    origins: Mapping[SplitName, str] = field(default_factory=dict)
    """Where the images of each split come from, in words."""
    groups: Mapping[SplitName, Sequence[GroupName | None]] = field(default_factory=dict)
    """By split, which physical thing or recording each image shows, None for one of its own; absent if not known.

    A name has the same meaning in all splits.
    """
    remarks: Sequence[str] = ()
    """What a person should know who didn't expect it: what isn't read, or how something was understood."""


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
