"""Load MNIST and Fashion-MNIST from their idx files."""

from __future__ import annotations

from pathlib import Path

import torch

from trainables.datasets.config import KNOWN
from trainables.datasets.dataset import Dataset, Split
from trainables.datasets.errors import DataError, DataNotFoundError
from trainables.datasets.formats.idx import parse_idx
from trainables.datasets.formats.idx_sets import IMAGES, LABELS, SIZES, find, places, read_verified


def load_idx_set(name: str, root: Path) -> Dataset:
    """Load `mnist` or `fashion_mnist` from the data root.

    Raises `DataNotFoundError` that says how to get an absent one, `DataError` for a corrupt file.
    """
    missing = [file for file in SIZES if find(name, file, root) is None]
    if missing:
        part = "" if len(missing) == len(SIZES) else f" ({', '.join(missing)} missing)"
        raise DataNotFoundError(
            f"dataset {name} is not in {' or '.join(map(str, places(name, root)))}{part}; "
            f"fetch it with `saddle data fetch {name}`, "
            "or point --data-root or SADDLE_DATA at the folder that holds it"
        )
    train, test = (_split(name, split, root) for split in ("train", "test"))
    return Dataset(name, KNOWN[name].classes, train, test)


def _split(name: str, split: str, root: Path) -> Split:
    tensors = []
    for file, axes in ((IMAGES[split], 3), (LABELS[split], 1)):
        path = find(name, file, root)
        if path is None:
            raise DataNotFoundError(f"{file} of dataset {name} vanished from {root}")
        tensors.append(parse_idx(read_verified(name, file, path), str(path), axes))
    images, labels = tensors
    if len(images) != len(labels):
        raise DataError(f"dataset {name} has {len(images)} {split} images and {len(labels)} labels")
    return Split(images.unsqueeze(1), labels.to(torch.int64))
