"""Özgenel's Concrete Crack Segmentation Dataset as its author lays it out: photographs, and masks of the same names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trainables.datasets.errors import DataError
from trainables.datasets.folder import ENDINGS, split_fixed
from trainables.datasets.images import decode
from trainables.datasets.known.found import Counts, Found
from trainables.datasets.locations import File, LocalFile
from trainables.datasets.registry import KNOWN
from trainables.datasets.sources import SPLITS, Contents, Sample, SplitName
from trainables.datasets.tiles import DAMAGED

HOMES = ("concreteCrackSegmentationDataset", "concrete_cracks")
IMAGES, MASKS = "rgb", "BW"


@dataclass(frozen=True)
class Pair:
    """A photograph and its mask."""

    image: Path
    mask: Path
    split: SplitName


@dataclass(frozen=True)
class PairSource:
    """Photographs and masks that have been found, the training ones first; in each of them there is a crack."""

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
        for pair in self.pairs:
            # the masks are JPEG files: what should be black isn't quite, and would make every tile ambiguous
            mask = np.asarray(decode(LocalFile(pair.mask).read(), str(pair.mask)).convert("L"))
            clean = np.where(mask > DAMAGED, np.uint8(255), np.uint8(0))
            yield Sample(pair.split, str(pair.image), LocalFile(pair.image).read(), clean)


def find_concrete_cracks(root: Path) -> Found | None:
    """The photographs of rgb and the masks of BW, split 80/20 by photograph; raises `DataError` for one without."""
    home = next((root / name for name in HOMES if (root / name).is_dir()), None)
    if home is None:
        return None
    images, masks = _by_stem(home / IMAGES), _by_stem(home / MASKS)
    for stem in sorted(images.keys() ^ masks.keys()):
        path = images.get(stem) or masks[stem]
        raise DataError(f"{path} has no counterpart of that name in {home / (MASKS if stem in images else IMAGES)}")
    splits = split_fixed([1] * len(images), str(home / IMAGES))
    pairs = [Pair(images[stem], masks[stem], split) for stem, split in zip(sorted(images), splits, strict=True)]
    source = PairSource(
        "concrete_cracks", KNOWN["concrete_cracks"].classes, sorted(pairs, key=lambda pair: pair.split == "test")
    )
    return Found(source, f"{home.name}/{IMAGES} and {MASKS}", source.count)


def _by_stem(folder: Path) -> dict[str, Path]:
    """The images of a folder by their names without ending, which photographs have in capitals, too."""
    if not folder.is_dir():
        raise DataError(f"{folder} does not exist; the dataset has the folders {IMAGES} and {MASKS}")
    found = {path.stem: path for path in sorted(folder.iterdir()) if path.suffix.lower() in ENDINGS}
    if not found:
        raise DataError(f"{folder} has no images")
    return found
