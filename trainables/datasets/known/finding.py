"""Look for a known dataset below the data root: first in its customary files, then in Parquet. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from trainables.datasets.downloads.archives import ARCHIVES
from trainables.datasets.errors import DataNotFoundError
from trainables.datasets.formats.found import Found
from trainables.datasets.known.casc_ifw import find_casc_ifw
from trainables.datasets.known.cifar10 import find_cifar10
from trainables.datasets.known.concrete_cracks import find_concrete_cracks
from trainables.datasets.known.gtsrb import find_gtsrb
from trainables.datasets.known.parquet import PARQUET, find_known_parquet
from trainables.datasets.known.resized import find_digits, find_idx_set
from trainables.datasets.known.svhn import find_svhn
from trainables.datasets.known.synthetic_cracks import find_synthetic_cracks
from trainables.datasets.known.tiny_imagenet import find_tiny_imagenet

OFFICIAL: Mapping[str, Callable[[Path], Found | None]] = {
    "digits": find_digits,
    "mnist": lambda root: find_idx_set("mnist", root),
    "fashion_mnist": lambda root: find_idx_set("fashion_mnist", root),
    "svhn": find_svhn,
    "gtsrb": find_gtsrb,
    "cifar10": find_cifar10,
    "tiny_imagenet": find_tiny_imagenet,
    "concrete_cracks": find_concrete_cracks,
    "casc_ifw": find_casc_ifw,
    "synthetic_cracks": lambda root: find_synthetic_cracks("synthetic_cracks"),
    "synthetic_cracks_cluttered": lambda root: find_synthetic_cracks("synthetic_cracks_cluttered"),
}

CUSTOMARY: Mapping[str, str] = {
    "svhn": "SVHN/train_32x32.mat and SVHN/test_32x32.mat",
    "gtsrb": (
        "gtsrb/GTSRB/Final_Training/Images (or torchvision's gtsrb/GTSRB/Training), gtsrb/GTSRB/Final_Test/Images and "
        "gtsrb/GT-final_test.csv"
    ),
    "cifar10": "cifar-10-batches-bin or cifar-10-batches-py",
    "tiny_imagenet": "tiny-imagenet-200",
    "concrete_cracks": "concreteCrackSegmentationDataset/rgb/*.jpg and concreteCrackSegmentationDataset/BW/*.jpg",
    "casc_ifw": (
        "CASC_IFW/Raw image/*/DATE_CULTIVAR_CONDITION_NUMBER.jpg, or class folders casc_ifw/healthy and "
        "casc_ifw/damaged"
    ),
}
"""What goes where, as the archives unpack."""


def find_known(name: str, root: Path) -> Found | None:
    """The dataset below the data root, None where nothing of it is there.

    Raises `DataError` where its customary files are there in part: a Parquet copy might be another one, or a subset.
    """
    found = OFFICIAL[name](root) if name in OFFICIAL else None
    return found or (find_known_parquet(name, root) if name in PARQUET else None)


def absent(name: str, root: Path) -> DataNotFoundError:
    """What to say of a dataset that isn't there."""
    if name not in CUSTOMARY and name not in PARQUET:
        return DataNotFoundError(f"dataset {name} is not in {root}; fetch it with `saddle data fetch {name}`")
    fetch = f"fetch it with `saddle data fetch {name}`, or " if name in ARCHIVES else ""
    return DataNotFoundError(
        f"dataset {name} is not in {root}; {fetch}put there {what_goes_there(name)}; "
        "or point --data-root or SADDLE_DATA at the folder that holds them"
    )


def what_goes_there(name: str) -> str:
    """The files that are looked for below the data root."""
    files = [CUSTOMARY[name]] if name in CUSTOMARY else []
    if name in PARQUET:
        files.append(f"Parquet files {' and '.join(PARQUET[name])}")
    return ", or ".join(files)
