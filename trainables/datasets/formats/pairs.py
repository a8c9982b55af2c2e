"""Photographs in one folder and masks of their damage in another, with the same names. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from trainables.datasets.errors import DataError
from trainables.datasets.files.locations import File, LocalFile
from trainables.datasets.formats.folder import ENDINGS, split_fixed
from trainables.datasets.formats.found import Counts
from trainables.datasets.sources import SPLITS, Contents, Sample, SplitName


@dataclass(frozen=True)
class Pair:
    """A photograph and its mask."""

    image: Path
    mask: Path
    split: SplitName


@dataclass(frozen=True)
class PairSource:
    """The photographs and masks that were found, the training ones first; each of them has a crack."""

    name: str
    classes: tuple[str, ...]
    pairs: Sequence[Pair]

    @property
    def files(self) -> list[tuple[str, File]]:
        return [
            (f"{pair.split} {role}", LocalFile(path))
            for pair in self.pairs
            for role, path in (("image", pair.image), ("mask", pair.mask))
        ]

    def count(self) -> Counts:
        return {split: sum(pair.split == split for pair in self.pairs) for split in SPLITS}

    def contents(self) -> Contents:
        import torch

        labels = {split: torch.ones(count, dtype=torch.int64) for split, count in self.count().items()}
        return Contents(self.classes, labels, self._samples(), masked=True, undamaged_first=True)

    def _samples(self) -> Iterator[Sample]:
        import numpy as np

        from trainables.datasets.decoding.images import decode
        from trainables.datasets.decoding.tiles import DAMAGED

        for pair in self.pairs:
            # masks may be JPEG files: black isn't quite black there, and would make every tile ambiguous
            mask = np.asarray(decode(LocalFile(pair.mask).read(), str(pair.mask)).convert("L"))
            clean = np.where(mask > DAMAGED, np.uint8(255), np.uint8(0))
            yield Sample(pair.split, str(pair.image), LocalFile(pair.image).read(), clean)


def find_pairs(images: Path, masks: Path) -> list[Pair]:
    """The photographs of a folder with the masks of the other, split 80/20 by photograph, the training ones first.

    Raises `DataError` for a folder that isn't there or is empty, and for one that lacks its counterpart.
    """
    for folder in (images, masks):
        if not folder.is_dir():
            raise DataError(f"{folder} does not exist; the dataset has the folders {images.name} and {masks.name}")
    by_stem, masks_by_stem = _by_stem(images), _by_stem(masks)
    for stem in sorted(by_stem.keys() ^ masks_by_stem.keys()):
        path = by_stem.get(stem) or masks_by_stem[stem]
        raise DataError(f"{path} has no counterpart of that name in {masks if stem in by_stem else images}")
    splits = split_fixed([1] * len(by_stem), str(images))
    pairs = [
        Pair(by_stem[stem], masks_by_stem[stem], split) for stem, split in zip(sorted(by_stem), splits, strict=True)
    ]
    return sorted(pairs, key=lambda pair: pair.split == "test")


def _by_stem(folder: Path) -> dict[str, Path]:
    """The images of a folder by their names without ending, which may also be in capitals."""
    by_stem = {path.stem: path for path in sorted(folder.iterdir()) if path.suffix.lower() in ENDINGS}
    if not by_stem:
        raise DataError(f"{folder} has no images")
    return by_stem
