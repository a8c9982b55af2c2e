"""Load a dataset from its four idx files."""

from __future__ import annotations

from pathlib import Path

import torch

from trainables.datasets.dataset import Dataset, Split
from trainables.datasets.errors import DataError, DataNotFoundError
from trainables.datasets.formats.idx import parse_idx
from trainables.datasets.formats.idx_sets import IMAGES, LABELS, SIZES, IdxSet


def load_idx_set(files: IdxSet, classes: tuple[str, ...], root: Path) -> Dataset:
    """Load a dataset from below the data root.

    Raises `DataNotFoundError` that says how to get an absent one, `DataError` for a corrupt file.
    """
    name = files.name
    missing = [file for file in SIZES if files.find(file, root) is None]
    if missing:
        part = "" if len(missing) == len(SIZES) else f" ({', '.join(missing)} missing)"
        raise DataNotFoundError(
            f"dataset {name} is not in {' or '.join(map(str, files.places(root)))}{part}; fetch it with `saddle data "
            f"fetch {name}`, or set --data-root or SADDLE_DATA to the folder with it"
        )
    train, test = (_split(files, split, root) for split in ("train", "test"))
    return Dataset(name, classes, train, test)


def _split(files: IdxSet, split: str, root: Path) -> Split:
    tensors = []
    for file, axes in ((IMAGES[split], 3), (LABELS[split], 1)):
        path = files.find(file, root)
        if path is None:
            raise DataNotFoundError(f"{file} of dataset {files.name} vanished from {root}")
        tensors.append(parse_idx(files.read_verified(file, path), str(path), axes))
    images, labels = tensors
    if len(images) != len(labels):
        raise DataError(f"dataset {files.name} has {len(images)} {split} images and {len(labels)} labels")
    return Split(images.unsqueeze(1), labels.to(torch.int64))
