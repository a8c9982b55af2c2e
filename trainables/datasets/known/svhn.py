"""SVHN's cropped digits as its authors distribute them: a MATLAB file for each split."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from trainables.datasets.attack_budget import AttackBudget
from trainables.datasets.auxiliary_tasks.digits import DIGITS
from trainables.datasets.downloads.archives import Archive
from trainables.datasets.errors import DataError
from trainables.datasets.formats.arrays import Array, ArraySource
from trainables.datasets.formats.found import Found
from trainables.datasets.known_dataset import Facts, KnownDataset, PublishedVariance

FOLDERS = ("SVHN", "svhn", ".")
FILES = {"train": "train_32x32.mat", "test": "test_32x32.mat"}
ZERO = 10
"""MATLAB counts from one, so the digit 0 is labelled as the tenth."""


def find_svhn(root: Path) -> Found | None:
    """The two files, in their own folder or in the data root itself; raises `DataError` if one is missing."""
    for folder in (root / name for name in FOLDERS):
        train, test = (folder / name for name in FILES.values())
        if not (train.is_file() or test.is_file()):
            continue
        for path in (train, test):
            if not path.is_file():
                raise DataError(f"{folder} lacks {path.name}")
        source = ArraySource("svhn", DIGITS.classes, {"train": [train], "test": [test]}, _labels, _images)
        return Found(source, f"{folder.name or folder}/*_32x32.mat", source.count)
    return None


def _read(path: Path, variable: str) -> Array:
    import numpy as np
    from scipy.io import loadmat

    try:
        arrays: dict[str, Any] = loadmat(path, variable_names=[variable])
    except OSError as error:
        raise DataError(f"{path} can't be read: {error}") from None
    except Exception as error:  # a damaged file raises almost anything
        raise DataError(f"{path} is not a MATLAB file, or a damaged one: {error}") from None
    if variable not in arrays:
        raise DataError(f"{path} has no variable {variable!r}; SVHN's cropped digits have X and y")
    return np.asarray(arrays[variable])


def _labels(path: Path) -> Array:
    import numpy as np

    labels = _read(path, "y")
    if labels.ndim != 2 or labels.shape[1] != 1:
        raise DataError(f"{path}: y is of shape {labels.shape}, not (N, 1)")
    flat = labels[:, 0].astype(np.int64)
    wrong = np.flatnonzero((flat < 1) | (flat > ZERO))
    if len(wrong):
        raise DataError(f"{path}, image {wrong[0]} has label {flat[wrong[0]]}; SVHN's are 1 to 10, where 10 is the 0")
    return flat % ZERO


def _images(path: Path) -> Array:
    import numpy as np

    images = _read(path, "X")
    if images.ndim != 4 or images.shape[:3] != (32, 32, 3) or images.dtype != np.uint8:
        raise DataError(f"{path}: X is {images.dtype} of shape {images.shape}, not uint8 of (32, 32, 3, N)")
    return images.transpose(3, 0, 1, 2)


SVHN = KnownDataset(
    name="svhn",
    facts=Facts(
        title="Street View House Numbers, cropped digits (Netzer et al. 2011)",
        shape=(3, 32, 32),
        classes=DIGITS.classes,
        train=73_257,
        test=26_032,
    ),
    find=find_svhn,
    files="SVHN/train_32x32.mat and SVHN/test_32x32.mat",
    parquet=("svhn_train.parquet", "svhn_test.parquet"),
    downloads=(
        # the authors' own address has no TLS; the checksums, which are also torchvision's, verify the content
        Archive(
            "http://ufldl.stanford.edu/housenumbers", "train_32x32.mat", "e26dedcc434d2e4c54c9b2d4a06d8373", "SVHN"
        ),
        Archive("http://ufldl.stanford.edu/housenumbers", "test_32x32.mat", "eb5a983be6a315427106f1b164d9cef3", "SVHN"),
    ),
    tasks=DIGITS,
    published=PublishedVariance(14.4643, 32),
    attack=AttackBudget(8 / 255, 1 / 255, 10, 20, "customary", "S3's 54 % under PGD fit it"),
    network="resnet18",
    # about a minute on one thread, as CIFAR-10
    quick={"image_size": 16, "train_size": 8_000, "batch_size": 50, "epochs": 8, "epsilon_warmup": 2},
)
