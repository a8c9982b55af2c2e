"""GTSRB as its authors distribute it: PPM images in many sizes, with annotations in CSV.

Training images are frames of videos, 30 of each physical sign that a car drove past, and are grouped by such tracks:
Stallkamp et al. 2012, section 3, call them TRACK_FRAME within a class's folder. The images of the official test set are
numbered at random on purpose, so that their tracks are unknown: each counts as a separate track.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from trainables.datasets.attack_budget import AttackBudget
from trainables.datasets.auxiliary_tasks.class_tables import read_class_table
from trainables.datasets.errors import DataError
from trainables.datasets.files.locations import LocalFile
from trainables.datasets.formats.folder import FolderSource, Listed
from trainables.datasets.formats.found import Found
from trainables.datasets.known_dataset import Facts, KnownDataset, PublishedVariance
from trainables.datasets.sampling.group_names import known_groups, unknown
from trainables.datasets.sources import GroupName

TASKS = read_class_table(
    "gtsrb",
    about="GTSRB's 43 traffic signs",
    meanings={"circle_polygon": ("circle", "polygon"), "character_symbol": ("symbol", "character")},
)
"""Labels are numbered as in S3's official code."""

NAMED = re.compile(r"(?:\d{5}_)?(?P<track>\d{5})_\d{5}")
"""TRACK_FRAME, before which some copies repeat the class."""

HOMES = ("gtsrb/GTSRB", "GTSRB", "gtsrb")
TRAININGS = ("Final_Training/Images", "Training")
"""The final training set (39,209 images), preferred to that of the competition (26,640), which torchvision fetches."""
TEST = "Final_Test/Images"
ANSWERS = "GT-final_test.csv"


def find_gtsrb(root: Path) -> Found | None:
    """The images with their annotations in CSV files; raises `DataError` naming what is missing or contradicts them."""
    for home in (root / name for name in HOMES):
        training = next((home / name for name in TRAININGS if (home / name).is_dir()), None)
        test = home / TEST
        if training is None and not test.is_dir():
            continue
        if training is None:
            raise DataError(f"{home} has test images, but neither {' nor '.join(TRAININGS)}")
        answers = [folder / ANSWERS for folder in (home.parent, home, test, test.parent)]
        answers_file = next((path for path in answers if path.is_file()), None)
        if not test.is_dir() or answers_file is None:
            raise DataError(f"{home} has training images, but no {TEST if answers_file is not None else ANSWERS}")
        images = (*_training(training), *_rows(answers_file, test, "test"))
        groups = known_groups({"train": [image.group for image in images if image.split == "train"]})
        source = FolderSource("gtsrb", TASKS.classes, images, remarks=tuple(unknown(groups)))
        return Found(source, f"{training.relative_to(root)}, {TEST}", source.count)
    return None


def _training(folder: Path) -> Iterator[Listed]:
    """The images of all class folders 00000 to 00042, each with its annotations."""
    for label in range(len(TASKS.classes)):
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
    classes = len(TASKS.classes)
    for number, row in enumerate(rows, 2):
        name, label = row.get("Filename") or "", row.get("ClassId") or ""
        if not name or not label.isdecimal() or int(label) >= classes or Path(name).name != name:
            raise DataError(f"{annotations}, line {number} names no file and class 0 to {classes - 1}: {dict(row)}")
        track = track_of(int(label), name)
        yield Listed(LocalFile(folder / name), int(label), "train" if split == "train" else "test", track)
    if not rows:
        raise DataError(f"{annotations} names no images")


def track_groups(images: Sequence[tuple[int | None, str | None]]) -> list[GroupName | None]:
    """The track of each image, given by label and file name; None if the name doesn't show it."""
    return [None if label is None or name is None else track_of(label, name) for label, name in images]


def track_of(label: int, path: str) -> str | None:
    """The track of an image of class `label` in a file of this name or path, None if the name doesn't show it."""
    matched = NAMED.fullmatch(PurePosixPath(path.replace("\\", "/")).stem)
    return None if matched is None else f"class {label}, track {matched['track']}"


GTSRB = KnownDataset(
    name="gtsrb",
    facts=Facts(
        title="German Traffic Sign Recognition Benchmark (Stallkamp et al. 2012), at S3's 112×112 (Table 2)",
        shape=(3, 112, 112),
        classes=TASKS.classes,
        train=39_209,
        test=12_630,
        resized=True,
    ),
    find=find_gtsrb,
    files=(
        "gtsrb/GTSRB/Final_Training/Images (or torchvision's gtsrb/GTSRB/Training), gtsrb/GTSRB/Final_Test/Images and "
        "gtsrb/GT-final_test.csv"
    ),
    parquet=("gtsrb_train.parquet", "gtsrb_test.parquet"),
    groups_of=track_groups,
    tasks=TASKS,
    published=PublishedVariance(67.2574, 112),
    attack=AttackBudget(8 / 255, 2 / 255, 10, 20, "assumed", "customary for colour photographs; not stated in S3"),
    network="alexnet",
    image_size=112,
    quick={"image_size": 20, "train_size": 3_000, "test_size": 860, "adam_lr": 4e-3},
)
