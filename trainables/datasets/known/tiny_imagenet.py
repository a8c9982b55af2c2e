"""Tiny ImageNet as its authors distribute it; the validation images, whose labels are public, are the test images."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from trainables.datasets.class_tables import class_table
from trainables.datasets.errors import DataError, nearest
from trainables.datasets.folder import FolderSource, Listed
from trainables.datasets.known.found import Found
from trainables.datasets.locations import LocalFile
from trainables.datasets.registry import KNOWN

FOLDER = "tiny-imagenet-200"
ANNOTATIONS = "val/val_annotations.txt"


def find_tiny_imagenet(root: Path) -> Found | None:
    """The images below train and val; raises `DataError` naming the missing or unknown class."""
    home = root / FOLDER
    if not home.is_dir():
        return None
    source = FolderSource("tiny_imagenet", KNOWN["tiny_imagenet"].classes, (*_training(home), *_validation(home)))
    return Found(source, FOLDER, source.count)


def _training(home: Path) -> Iterator[Listed]:
    keys = class_table("tiny_imagenet").keys
    present = [path.name for path in sorted((home / "train").glob("*/"))]
    unknown = next((name for name in present if name not in keys), None)
    if unknown is not None:
        raise DataError(f"{home / 'train' / unknown} is none of Tiny ImageNet's 200 classes; {nearest(unknown, keys)}")
    for label, key in enumerate(keys):
        images = sorted((home / "train" / key / "images").glob("*.JPEG"))
        if not images:
            raise DataError(f"{home / 'train' / key / 'images'} has no *.JPEG")
        yield from (Listed(LocalFile(path), label, "train") for path in images)


def _validation(home: Path) -> Iterator[Listed]:
    """The images that val_annotations.txt names: file, class and a box, separated by tabs."""
    path, labels = home / ANNOTATIONS, {key: label for label, key in enumerate(class_table("tiny_imagenet").keys)}
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
