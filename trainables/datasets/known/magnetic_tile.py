"""Magnetic tiles in Parquet, grouped by exposures: each was photographed under up to six lightings in turn.

The names, such as exp1_num_4727, don't show which photographs are of one tile, but their numbers follow each other.
Grouped images are similar: the median correlation of neighbours is 0.94, that of any two of a class 0.35.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from trainables.datasets.known_dataset import Facts, KnownDataset
from trainables.datasets.sources import GroupName

NAMED = re.compile(r"exp(?P<exposure>\d+)_num_(?P<number>\d+)")
GAP = 100
"""Numbers further apart are of different tiles: within a tile 95 % of the steps are below 66."""


def exposure_groups(images: Sequence[tuple[int | None, str | None]]) -> list[GroupName | None]:
    """The tile of each image, given by label and file name; None if the name doesn't show it.

    A tile's photographs have one label, numbers that follow each other closely, and no lighting twice.
    """
    matches = [NAMED.search(name or "") for _, name in images]
    ordered = sorted(
        (label, int(matched["number"]), matched["exposure"], index)
        for index, ((label, _), matched) in enumerate(zip(images, matches, strict=True))
        if matched and label is not None
    )
    groups: list[GroupName | None] = [None] * len(images)
    before, first, lightings = (-1, -1), 0, set[str]()
    for label, number, lighting, index in ordered:
        if label != before[0] or number - before[1] > GAP or lighting in lightings:
            first, lightings = number, set()
        groups[index] = f"class {label}, tile from {first}"
        before = label, number
        lightings.add(lighting)
    return groups


MAGNETIC_TILE = KnownDataset(
    name="magnetic_tile",
    facts=Facts(
        title="Magnetic tile surface defects (Huang et al. 2020), many sizes brought to 64×64",
        shape=(1, 64, 64),
        classes=("free", "blowhole", "break", "crack", "fray", "uneven"),
        train=1_076,
        test=268,
        resized=True,
    ),
    parquet=("magnetic_tile_train.parquet", "magnetic_tile_test.parquet"),
    groups_of=exposure_groups,
    quick={},  # at their own size: thin damage vanishes when it shrinks
)
