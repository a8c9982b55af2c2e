"""Bring your own images: a folder of class folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from trainables.datasets.config import FolderDataset
from trainables.datasets.dataset import Dataset, Split, stratified_order
from trainables.datasets.errors import DataError, DataNotFoundError, nearest
from trainables.datasets.images import decode, stack

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".pgm", ".ppm", ".tif", ".tiff", ".webp")
SPLIT_SEED = 20261121
"""Seed of the fixed 80/20 split of a folder that brings none."""
TEST_SHARE = 0.2


def load_folder(spec: FolderDataset) -> Dataset:
    """Load `ROOT/train/CLASS/*` and `ROOT/test/CLASS/*`, or `ROOT/CLASS/*` with a fixed stratified 80/20 split.

    Classes are the folders' names in sorted order. Raises `DataError` naming the offending folder or file.
    """
    root = Path(spec.folder).expanduser()
    if not root.is_dir():
        raise DataNotFoundError(f"dataset folder {root} {'is no folder' if root.exists() else 'does not exist'}")
    parts = [root / name for name in ("train", "test") if (root / name).is_dir()]
    if len(parts) == 1:
        other = "test" if parts[0].name == "train" else "train"
        raise DataError(
            f"{root} has a folder {parts[0].name}, but none called {other}; add it, or put class folders in {root}"
        )
    classes = _class_names(parts[0] if parts else root)
    files = [_files(part, classes) for part in parts or [root]]
    paths = [path for found in files for path, _ in found]
    images = [decode(path, str(path)) for path in paths]
    everything = Split(
        stack(images, [str(path) for path in paths], spec.height_width),
        torch.tensor([label for found in files for _, label in found]),
    )
    if parts:
        train, test = torch.arange(len(paths)).tensor_split([len(files[0])])
    else:
        if len(paths) < 2:
            raise DataError(f"{root} has a single image, too few to split into training and test images")
        order = stratified_order(everything.labels, SPLIT_SEED)
        tests = max(1, round(TEST_SHARE * len(order)))
        train, test = order[tests:].sort().values, order[:tests].sort().values
    return Dataset(root.name, tuple(classes), everything.subset(train), everything.subset(test))


def _visible(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith((".", "__")))


def _class_names(folder: Path) -> list[str]:
    classes = [path.name for path in _visible(folder) if path.is_dir()]
    if not classes:
        raise DataError(f"{folder} has no class folders; images go into {folder / 'CLASS'}")
    return classes


def _files(folder: Path, classes: Sequence[str]) -> list[tuple[Path, int]]:
    """All images below `folder` in sorted order, each with its label."""
    found: list[tuple[Path, int]] = []
    for name in _class_names(folder):
        if name not in classes:
            raise DataError(f"{folder / name} is a class that the training images don't have; {nearest(name, classes)}")
        paths = [path for path in _visible(folder / name) if path.name != "Thumbs.db"]
        for path in paths:
            if path.is_dir() or path.suffix.lower() not in ENDINGS:
                raise DataError(f"{path} is no image ({', '.join(ENDINGS)}); move it out of the class folder")
        if not paths:
            raise DataError(f"class folder {folder / name} is empty")
        found.extend((path, list(classes).index(name)) for path in paths)
    return found
