"""Whether decoded images can distinguish a dataset's classes: signs of a wrong decoding."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from trainables.datasets.decoding.images import FULL, Decoded, Decoding, Reach
from trainables.datasets.decoding.tiles import DAMAGED
from trainables.datasets.sources import SplitName

Pixels = np.ndarray[Any, Any]

CONTRAST = 8
"""Least difference of a set's darkest and lightest pixel, of 255; no photograph has so little contrast."""
SAME_SHARE = 0.9
"""The share of the images that may at most be one and the same image."""
REACHED = 0.25
"""The share of a range that a set of deep images must reach: below it two bits are unused, as with 14 or 12 in 16."""
JUDGED = 4
"""A split that is not trained on is checked from so many images: a few of a small set may be similar by chance."""
NAMED = 10
"""Messages name so many classes."""


class Tally:
    """Statistics of a dataset's images while they are decoded and stored."""

    def __init__(self) -> None:
        self.deep = False
        self.reaches: dict[bool, tuple[Reach, str]] = {}
        """The furthest reach of grey (True) and coloured images, and the image that has it."""
        self.highest_mask = 0
        self.levels: dict[SplitName, tuple[int, int, int]] = {}
        """How many images each split has, and its darkest and lightest pixel."""
        self.images: dict[int, Counter[bytes]] = defaultdict(Counter)
        """Training images of each label, by their checksums."""

    def see(self, decoded: Decoded, where: str) -> None:
        """Count an image as it was decoded."""
        self.deep |= decoded.deep or decoded.reach is not None
        reach = decoded.reach
        if reach is not None:
            furthest = self.reaches.get(reach.scalable)
            if furthest is None or reach.share > furthest[0].share:
                self.reaches[reach.scalable] = reach, where

    def see_stored(self, split: SplitName, label: int, pixels: Pixels, mask: Pixels | None) -> None:
        """Count an image as it is stored."""
        if mask is not None:
            self.highest_mask = max(self.highest_mask, int(mask.max()))
        count, least, most = self.levels.get(split, (0, 255, 0))
        self.levels[split] = count + 1, min(least, int(pixels.min())), max(most, int(pixels.max()))
        if split == "train":
            self.images[label][hashlib.blake2b(pixels.tobytes(), digest_size=16).digest()] += 1

    def mistakes(self, decoding: Decoding) -> Iterator[str]:
        """Signs that the images were misread."""
        for reach, where in self.reaches.values():
            if reach.share < REACHED:
                yield unreached(reach, where)
        if decoding.value_range is not None and not self.deep:
            yield "`range` is about images deeper than 8 bits, and this dataset has none; leave it out"
        if 0 < self.highest_mask <= DAMAGED:
            yield (
                f"the masks' highest value is {self.highest_mask}, and damage is above {DAMAGED}; save damage as 255"
            )
        yield from self._alike()

    def _alike(self) -> Iterator[str]:
        flat = [
            (split, count, least, most)
            for split, (count, least, most) in self.levels.items()
            if most - least < CONTRAST and count >= (2 if split == "train" else JUDGED)
        ]
        for split, count, least, most in flat:
            yield (
                f"all pixels of the {count:,} {split} images are between {least} and {most} of 255, so they are "
                "almost uniform; look at how the images were saved"
            )
        together: Counter[bytes] = sum(self.images.values(), Counter())
        total = together.total()
        if flat or total < 2:
            return
        [(_, same)] = together.most_common(1)
        if same > SAME_SHARE * total:
            yield f"{same:,} of {total:,} training images are one and the same image; look at how they were saved"
        elif len(self.images) > 1 and len({frozenset(of) for of in self.images.values()}) == 1:
            yield (
                f"all {len(self.images)} classes have the same {len(together):,} training images, so they can't be "
                "distinguished"
            )

    def remarks(self, classes: Sequence[str]) -> Iterator[str]:
        """What is unusual, but may be intended."""
        once = [classes[label] for label, of in sorted(self.images.items()) if len(of) == 1 and of.total() > 1]
        if once:
            yield f"all training images of {listed(once)} are one and the same image"
        labels = Counter(image for of in self.images.values() for image in of)
        several = sum(count > 1 for count in labels.values())
        if several:
            yield f"{several:,} training images are in several classes"


def unreached(reach: Reach, where: str) -> str:
    """The error that deep images use too little of their range to know it."""
    highest = f"{reach.highest:g}"
    if not reach.scalable:
        return (
            f"the 16-bit colours reach {highest} of {FULL} at most (in {where}), as if they had fewer bits; "
            "save them with 8 bits a channel"
        )
    bits = max(int(reach.highest), 1).bit_length()
    guess = f"[0, {2**bits - 1}]` ({bits} bits)" if reach.full > 1 else f"[0, {highest}]`"
    return (
        f"the images reach {highest} of {reach.full:g} at most (in {where}): it is unknown whether that is white; add "
        f"`range: {guess} or `range: [0, {reach.full:g}]` to the dataset"
    )


def absent_classes(classes: Sequence[str], present: Mapping[SplitName, set[int]]) -> Iterator[str]:
    """Remarks that a split has no images of some classes; `present`: each split's labels."""
    for split, labels in present.items():
        missing = [name for label, name in enumerate(classes) if label not in labels]
        if missing:
            yield f"the {split} split has no images of {listed(missing)}"


def listed(names: Sequence[str]) -> str:
    """Class names in words, at most the first few."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"class{'es' if len(names) > 1 else ''} {', '.join(map(repr, names[:NAMED]))}{more}"
