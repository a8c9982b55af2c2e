"""Datasets whose files contain pixels, not encoded images; read one file at a time. Imports numpy only then."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from trainables.datasets.errors import DataError
from trainables.datasets.files.locations import File, LocalFile
from trainables.datasets.formats.found import Counts
from trainables.datasets.sources import SPLITS, Contents, Sample, SplitName

if TYPE_CHECKING:
    import numpy as np

Array: TypeAlias = "np.ndarray[Any, Any]"


@dataclass(frozen=True)
class ArraySource:
    """Files by split; `labels_of` gives a file's labels (N,), `images_of` its images (N, H, W[, 3]) uint8."""

    name: str
    classes: tuple[str, ...]
    parts: Mapping[SplitName, Sequence[Path]]
    labels_of: Callable[[Path], Array]
    images_of: Callable[[Path], Array]
    labels: Mapping[SplitName, Sequence[Path]] | None = None
    """The files of the labels, in the order of those of the images, if they are separate."""

    @property
    def files(self) -> list[tuple[str, File]]:
        roles = [("", self.parts)] if self.labels is None else [("", self.parts), (" labels", self.labels)]
        return [
            (f"{split}{role}", LocalFile(path)) for role, paths in roles for split in SPLITS for path in paths[split]
        ]

    def count(self) -> Counts:
        return {split: sum(len(self.labels_of(path)) for path in self._labelled[split]) for split in SPLITS}

    @property
    def _labelled(self) -> Mapping[SplitName, Sequence[Path]]:
        return self.parts if self.labels is None else self.labels

    def contents(self) -> Contents:
        import numpy as np
        import torch

        labels = {split: np.concatenate([self._labels(path) for path in self._labelled[split]]) for split in SPLITS}
        return Contents(
            self.classes, {split: torch.from_numpy(values) for split, values in labels.items()}, self._samples()
        )

    def _labels(self, path: Path) -> Array:
        import numpy as np

        labels = self.labels_of(path).astype(np.int64)
        wrong = np.flatnonzero((labels < 0) | (labels >= len(self.classes)))
        if len(wrong):
            raise DataError(
                f"{path}, image {wrong[0]} has label {labels[wrong[0]]}; labels of {self.name} are "
                f"0 to {len(self.classes) - 1}"
            )
        return labels

    def _samples(self) -> Iterator[Sample]:
        for split in SPLITS:
            for path in self.parts[split]:
                for index, image in enumerate(self.images_of(path)):
                    yield Sample(split, f"{path}, image {index}", image)
