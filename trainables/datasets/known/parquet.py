"""Known datasets in Parquet, whole or in part: `image`, `label` as the dataset numbers its classes, `label_name`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from trainables.datasets.errors import DataError
from trainables.datasets.known.exposures import exposure_groups
from trainables.datasets.known.found import Counts, Found
from trainables.datasets.known.tracks import track_groups
from trainables.datasets.parquet import GroupsOf, ParquetSource
from trainables.datasets.parquet_files import count_rows, find_files
from trainables.datasets.registry import KNOWN

PARQUET: Mapping[str, tuple[str, str]] = {
    "svhn": ("svhn_train.parquet", "svhn_test.parquet"),
    "gtsrb": ("gtsrb_train.parquet", "gtsrb_test.parquet"),
    "cifar10": ("cifar10_train.parquet", "cifar10_test.parquet"),
    "tiny_imagenet": ("tinyimagenet_train.parquet", "tinyimagenet_val.parquet"),
    "crackforest": ("crackforest_train.parquet", "crackforest_test.parquet"),
    "sut_crack": ("sut_crack_train.parquet", "sut_crack_test.parquet"),
    "magnetic_tile": ("magnetic_tile_train.parquet", "magnetic_tile_test.parquet"),
}
"""The files, or folders of such files, of training and test split."""

GROUPS: Mapping[str, GroupsOf] = {"gtsrb": track_groups, "magnetic_tile": exposure_groups}
"""What the names of the files that the images were tell of their groups."""


def find_known_parquet(name: str, root: Path) -> Found | None:
    """The two files; raises `DataError` where only one is there."""
    train, test = (root / file for file in PARQUET[name])
    missing = [path for path in (train, test) if not path.exists()]
    if len(missing) == 2:
        return None
    if missing:
        raise DataError(f"{root} lacks {missing[0].name}, the other half of {name}")
    parts = find_files({"train": str(train), "test": str(test)})
    source = ParquetSource(name, parts, KNOWN[name].classes, groups_of=GROUPS.get(name))

    def count() -> Counts:
        return {split: count_rows(files) for split, files in parts.items()}

    return Found(source, " and ".join(PARQUET[name]), count)
