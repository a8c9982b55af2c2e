"""The CASC IFW apples: single apples in folders by day, cultivar and condition, or in two class folders."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from trainables.datasets.errors import DataError, nearest
from trainables.datasets.files.locations import LocalFile
from trainables.datasets.formats.folder import ENDINGS, FolderSource, Listed, split_fixed
from trainables.datasets.formats.found import Found
from trainables.datasets.known_dataset import Facts, KnownDataset

CLASSES = ("healthy", "damaged")
HOMES = ("CASC_IFW", "casc_ifw")
RAW = "Raw image"
YEAR = "2010"
"""The year of S1's apples; the database also has those of 2009."""
NAMED = re.compile(r"(?P<date>\d+)_(?P<cultivar>[a-z]+)_(?P<condition>[a-z]+)_.*", re.IGNORECASE)
"""Names in the database: date (YYYYMMDD in 2009, MMDDYY in 2010), cultivar, condition, number."""
CONDITIONS = {"healthy": 0, "damaged": 1, "injured": 1}
"""The label of each condition by its names in 2009, 2010 and class folders."""


def find_casc_ifw(root: Path) -> Found | None:
    """The apples of 2010 in either layout, split 80/20, those of 2009 left out.

    Raises `DataError` naming the file or folder of unknown condition, and if a class has no apples of that year.
    """
    for home in (root / name for name in HOMES):
        if not home.is_dir():
            continue
        raw = home / RAW
        listed = list(_named(raw)) if raw.is_dir() else list(_by_class(home))
        files = [(path, label) for path, label in listed if year_of(path) in (YEAR, None)]
        for label, name in enumerate(CLASSES):
            if label not in {of for _, of in files}:
                others = (
                    f" of {YEAR}, but {len(listed) - len(files)} of another year" if len(files) < len(listed) else ""
                )
                raise DataError(f"{raw if raw.is_dir() else home} has no {name} apples{others}")
        splits = split_fixed([label for _, label in files], str(home))
        images = (Listed(LocalFile(path), label, split) for (path, label), split in zip(files, splits, strict=True))
        source = FolderSource("casc_ifw", CLASSES, _by_split(list(images)))
        return Found(source, f"{home.name}/{RAW}" if raw.is_dir() else f"{home.name}/CLASS", source.count)
    return None


def year_of(path: Path) -> str | None:
    """The year in the date of an image's name, such as "2010"; None if it has no date of six or eight digits."""
    matched = NAMED.fullmatch(path.stem)
    date = matched["date"] if matched else ""
    return {8: date[:4], 6: f"20{date[4:]}"}.get(len(date))


def _by_split(images: Sequence[Listed]) -> tuple[Listed, ...]:
    return tuple(sorted(images, key=lambda image: image.split == "test"))


def _pictures(folder: Path) -> Iterator[Path]:
    """The images below a folder, in sorted order."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix.lower() in ENDINGS and not path.name.startswith("."):
            yield path


def _named(raw: Path) -> Iterator[tuple[Path, int]]:
    for path in _pictures(raw):
        matched = NAMED.fullmatch(path.stem)
        condition = matched["condition"].lower() if matched else ""
        if condition not in CONDITIONS:
            raise DataError(
                f"{path} isn't named DATE_CULTIVAR_CONDITION_NUMBER, with one of the conditions "
                f"{', '.join(CONDITIONS)}" + (f"; {nearest(condition, CONDITIONS)}" if condition else "")
            )
        yield path, CONDITIONS[condition]


def _by_class(home: Path) -> Iterator[tuple[Path, int]]:
    for folder in sorted(path for path in home.iterdir() if path.is_dir() and not path.name.startswith(".")):
        if folder.name.lower() not in CONDITIONS:
            raise DataError(
                f"{folder} is not a class of CASC IFW; put {RAW} as its authors lay it out, or folders healthy and "
                f"damaged, into {home}"
            )
        for path in _pictures(folder):
            yield path, CONDITIONS[folder.name.lower()]


CASC_IFW = KnownDataset(
    name="casc_ifw",
    facts=Facts(
        title="CASC IFW apples of 2010 with damage by internal feeding worms (Li et al. 2009), S1's apples",
        shape=(3, 120, 120),
        classes=CLASSES,
        train=4_686,
        test=1_172,
    ),
    find=find_casc_ifw,
    files=(
        "CASC_IFW/Raw image/*/DATE_CULTIVAR_CONDITION_NUMBER.jpg, or class folders casc_ifw/healthy and "
        "casc_ifw/damaged"
    ),
    quick={},  # at their own size: the damage is small
)
