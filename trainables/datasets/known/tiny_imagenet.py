"""Tiny ImageNet as its authors distribute it; the validation images, whose labels are public, are the test images."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from trainables.datasets.attack_budget import AttackBudget
from trainables.datasets.auxiliary_tasks.class_tables import read_class_table
from trainables.datasets.errors import DataError, nearest
from trainables.datasets.files.locations import LocalFile
from trainables.datasets.formats.folder import FolderSource, Listed
from trainables.datasets.formats.found import Found
from trainables.datasets.known_dataset import Facts, KnownDataset, PublishedVariance

TASKS = read_class_table(
    "tiny_imagenet",
    about="Tiny ImageNet's 200 classes",
    meanings={
        "natural_artefact": ("natural", "artefact"),
        "animal_machine_other": ("animal", "machine", "other"),
    },
)
"""Labels are numbered as in S3's official code."""

FOLDER = "tiny-imagenet-200"
ANNOTATIONS = "val/val_annotations.txt"


def find_tiny_imagenet(root: Path) -> Found | None:
    """The images below train and val; raises `DataError` naming the missing or unknown class."""
    home = root / FOLDER
    if not home.is_dir():
        return None
    source = FolderSource("tiny_imagenet", TASKS.classes, (*_training(home), *_validation(home)))
    return Found(source, FOLDER, source.count)


def _training(home: Path) -> Iterator[Listed]:
    keys = TASKS.keys
    present = [path.name for path in sorted((home / "train").glob("*/"))]
    unknown = next((name for name in present if name not in keys), None)
    if unknown is not None:
        raise DataError(
            f"{home / 'train' / unknown} is not one of Tiny ImageNet's 200 classes; {nearest(unknown, keys)}"
        )
    for label, key in enumerate(keys):
        images = sorted((home / "train" / key / "images").glob("*.JPEG"))
        if not images:
            raise DataError(f"{home / 'train' / key / 'images'} has no *.JPEG")
        yield from (Listed(LocalFile(path), label, "train") for path in images)


def _validation(home: Path) -> Iterator[Listed]:
    """The images that val_annotations.txt names: file, class and a box, separated by tabs."""
    path, labels = home / ANNOTATIONS, {key: label for label, key in enumerate(TASKS.keys)}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} can't be read: {error}") from None
    for number, line in enumerate(lines, 1):
        name, _, rest = line.partition("\t")
        key = rest.partition("\t")[0]
        if key not in labels or Path(name).name != name:
            raise DataError(f"{path}, line {number} names class {key!r}, none of the 200; {nearest(key, labels)}")
        yield Listed(LocalFile(home / "val" / "images" / name), labels[key], "test")
    if not lines:
        raise DataError(f"{path} names no images")


TINY_IMAGENET = KnownDataset(
    name="tiny_imagenet",
    facts=Facts(
        title="Tiny ImageNet (Le and Yang 2015); its validation images are the test images",
        shape=(3, 64, 64),
        classes=TASKS.classes,
        train=100_000,
        test=10_000,
    ),
    find=find_tiny_imagenet,
    files=FOLDER,
    parquet=("tinyimagenet_train.parquet", "tinyimagenet_val.parquet"),
    tasks=TASKS,
    published=PublishedVariance(19.2206, 32, "Table 2 says 64×64, where the value would be about 42"),
    attack=AttackBudget(8 / 255, 2 / 255, 10, 20, "assumed", "customary for colour photographs; 4/255 is, too"),
    network="resnet18",
    quick={"image_size": 20, "train_size": 6_000, "batch_size": 50, "adam_lr": 3e-3},
)
