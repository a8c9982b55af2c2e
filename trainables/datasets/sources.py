"""What a dataset is before it is decoded: its files, and its images one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from trainables.datasets.locations import File

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

SplitName = Literal["train", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "test")


@dataclass(frozen=True)
class Sample:
    """One image, encoded or as pixels (H, W) or (H, W, 3) uint8, its mask likewise; `where` names it in errors."""

    split: SplitName
    where: str
    image: bytes | np.ndarray[Any, Any]
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
