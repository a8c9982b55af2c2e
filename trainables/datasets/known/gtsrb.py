"""GTSRB as its authors distribute it: PPM images in many sizes, with annotations in CSV.

Training images are grouped by the track that they are frames of; see `trainables.datasets.known.tracks`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from trainables.datasets.errors import DataError
from trainables.datasets.folder import FolderSource, Listed
from trainables.datasets.group_names import known_groups, unknown
from trainables.datasets.known.found import Found
from trainables.datasets.known.tracks import track_of
from trainables.datasets.locations import LocalFile
from trainables.datasets.registry import KNOWN

HOMES = ("gtsrb/GTSRB", "GTSRB", "gtsrb")
TRAININGS = ("Final_Training/Images", "Training")
"""The final training set, of 39,209 images, before that of the competition, of 26,640, which torchvision fetches."""
TEST = "Final_Test/Images"
ANSWERS = "GT-final_test.csv"


def find_gtsrb(root: Path) -> Found | None:
    """The images and what the CSV files say of them; raises `DataError` naming what is missing or contradicts them."""
    for home in (root / name for name in HOMES):
        training = next((home / name for name in TRAININGS if (home / name).is_dir()), None)
        test = home / TEST
        if training is None and not test.is_dir():
            continue
        if training is None:
            raise DataError(f"{home} has test images, but neither {' nor '.join(TRAININGS)}")
        answers = [folder / ANSWERS for folder in (home.parent, home, test, test.parent)]
        found = next((path for path in answers if path.is_file()), None)
        if not test.is_dir() or found is None:
            raise DataError(f"{home} has training images, but no {TEST if found is not None else ANSWERS}")
        images = (*_training(training), *_rows(found, test, "test"))
        groups = known_groups({"train": [image.group for image in images if image.split == "train"]})
        source = FolderSource("gtsrb", KNOWN["gtsrb"].classes, images, remarks=tuple(unknown(groups)))
        return Found(source, f"{training.relative_to(root)}, {TEST}", source.count)
    return None


def _training(folder: Path) -> Iterator[Listed]:
    """The images of all class folders 00000 to 00042, each with its annotations."""
    for label in range(len(KNOWN["gtsrb"].classes)):
        home = folder / f"{label:05d}"
        annotations = home / f"GT-{label:05d}.csv"
        if not annotations.is_file():
            raise DataError(f"{annotations} does not exist")
        for image in _rows(annotations, home, "train"):
            if image.label != label:
                raise DataError(f"{annotations} gives {image.file.name} class {image.label}, in a folder of {label}")
            yield image


def _rows(annotations: Path, folder: Path, split: str) -> Iterator[Listed]:
    """The images that a CSV file names: `Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId`."""
    try:
        rows = list(csv.DictReader(annotations.read_text(encoding="utf-8").splitlines(), delimiter=";"))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{annotations} can't be read: {error}") from None
    classes = len(KNOWN["gtsrb"].classes)
    for number, row in enumerate(rows, 2):
        name, label = row.get("Filename") or "", row.get("ClassId") or ""
        if not name or not label.isdecimal() or int(label) >= classes or Path(name).name != name:
            raise DataError(f"{annotations}, line {number} names no file and class 0 to {classes - 1}: {dict(row)}")
        track = track_of(int(label), name)
        yield Listed(LocalFile(folder / name), int(label), "train" if split == "train" else "test", track)
    if not rows:
        raise DataError(f"{annotations} names no images")
