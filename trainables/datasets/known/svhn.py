"""SVHN's cropped digits as its authors distribute them: a MATLAB file for each split."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from trainables.datasets.errors import DataError
from trainables.datasets.known.arrays import Array, ArraySource
from trainables.datasets.known.found import Found
from trainables.datasets.registry import KNOWN

FOLDERS = ("SVHN", "svhn", ".")
FILES = {"train": "train_32x32.mat", "test": "test_32x32.mat"}
ZERO = 10
"""MATLAB counts from one, so the digit 0 is labelled as the tenth."""


def find_svhn(root: Path) -> Found | None:
    """The two files, in a folder of their own or in the data root itself; raises `DataError` where one is missing."""
    for folder in (root / name for name in FOLDERS):
        train, test = (folder / name for name in FILES.values())
        if not (train.is_file() or test.is_file()):
            continue
        for path in (train, test):
            if not path.is_file():
                raise DataError(f"{folder} lacks {path.name}")
        source = ArraySource("svhn", KNOWN["svhn"].classes, {"train": [train], "test": [test]}, _labels, _images)
        return Found(source, f"{folder.name or folder}/*_32x32.mat", source.count)
    return None


def _read(path: Path, variable: str) -> Array:
    from scipy.io import loadmat

    try:
        found: dict[str, Any] = loadmat(path, variable_names=[variable])
    except OSError as error:
        raise DataError(f"{path} can't be read: {error}") from None
    except Exception as error:  # a damaged file raises almost anything
        raise DataError(f"{path} is no MATLAB file, or a damaged one: {error}") from None
    if variable not in found:
        raise DataError(f"{path} has no variable {variable!r}; SVHN's cropped digits have X and y")
    return np.asarray(found[variable])


def _labels(path: Path) -> Array:
    labels = _read(path, "y")
    if labels.ndim != 2 or labels.shape[1] != 1:
        raise DataError(f"{path}: y is of shape {labels.shape}, not (N, 1)")
    flat = labels[:, 0].astype(np.int64)
    wrong = np.flatnonzero((flat < 1) | (flat > ZERO))
    if len(wrong):
        raise DataError(f"{path}, image {wrong[0]} has label {flat[wrong[0]]}; SVHN's are 1 to 10, where 10 is the 0")
    return flat % ZERO


def _images(path: Path) -> Array:
    images = _read(path, "X")
    if images.ndim != 4 or images.shape[:3] != (32, 32, 3) or images.dtype != np.uint8:
        raise DataError(f"{path}: X is {images.dtype} of shape {images.shape}, not uint8 of (32, 32, 3, N)")
    return images.transpose(3, 0, 1, 2)
