"""CIFAR-10 as its authors distribute it: batches of raw pixels, or the same as Python pickles."""

from __future__ import annotations

from pathlib import Path

from trainables.datasets.attack_budget import AttackBudget
from trainables.datasets.auxiliary_tasks.class_tables import read_class_table
from trainables.datasets.downloads.archives import Archive
from trainables.datasets.errors import DataError
from trainables.datasets.formats.arrays import Array, ArraySource
from trainables.datasets.formats.found import Found
from trainables.datasets.known_dataset import Facts, KnownDataset, PublishedVariance
from trainables.datasets.sources import SplitName

TASKS = read_class_table(
    "cifar10",
    about="CIFAR-10's classes",
    meanings={"animal_vehicle": ("animal", "vehicle"), "land_sky_water": ("land", "sky", "water")},
)
"""Labels are numbered as in S3's official code."""

BINARY, PICKLED = "cifar-10-batches-bin", "cifar-10-batches-py"
PIXELS = 3 * 32 * 32
RECORD = 1 + PIXELS
"""A byte for the label, and the pixels of the three channels, one after the other."""


def find_cifar10(root: Path) -> Found | None:
    """Either form, the raw one first; raises `DataError` if a batch is missing."""
    for folder, ending, labels_of, images_of in (
        (BINARY, ".bin", _binary_labels, _binary_images),
        (PICKLED, "", _pickled_labels, _pickled_images),
    ):
        if not (root / folder).is_dir():
            continue
        parts: dict[SplitName, list[Path]] = {
            "train": [root / folder / f"data_batch_{number}{ending}" for number in range(1, 6)],
            "test": [root / folder / f"test_batch{ending}"],
        }
        missing = [path.name for paths in parts.values() for path in paths if not path.is_file()]
        if missing:
            raise DataError(f"{root / folder} lacks {', '.join(missing)}; unpack the archive again")
        source = ArraySource("cifar10", TASKS.classes, parts, labels_of, images_of)
        return Found(source, folder, source.count)
    return None


def _binary(path: Path) -> Array:
    import numpy as np

    try:
        content = np.fromfile(path, np.uint8)
    except OSError as error:
        raise DataError(f"{path} can't be read: {error.strerror}") from None
    if len(content) == 0 or len(content) % RECORD:
        raise DataError(f"{path} has {len(content)} bytes, which is not a multiple of the {RECORD} of an image")
    return content.reshape(-1, RECORD)


def _binary_labels(path: Path) -> Array:
    return _binary(path)[:, 0]


def _binary_images(path: Path) -> Array:
    return _channels_last(_binary(path)[:, 1:])


def _pickled_labels(path: Path) -> Array:
    return _pickled(path)[1]


def _pickled_images(path: Path) -> Array:
    return _channels_last(_pickled(path)[0])


def _pickled(path: Path) -> tuple[Array, Array]:
    import numpy as np

    from trainables.datasets.formats.unpickling import read_pickle

    batch = read_pickle(path)
    pixels, labels = batch.get(b"data"), batch.get(b"labels")
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.ndim != 2 or pixels.shape[1] != PIXELS:
        raise DataError(f"{path} is not a batch of CIFAR-10: its data are not rows of {PIXELS} bytes")
    if not isinstance(labels, list) or len(labels) != len(pixels) or not all(type(label) is int for label in labels):
        raise DataError(f"{path} is not a batch of CIFAR-10: it has no label for each of {len(pixels)} images")
    return pixels, np.array(labels, np.int64)


def _channels_last(rows: Array) -> Array:
    return rows.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)


CIFAR10 = KnownDataset(
    name="cifar10",
    facts=Facts(
        title="CIFAR-10 (Krizhevsky 2009)", shape=(3, 32, 32), classes=TASKS.classes, train=50_000, test=10_000
    ),
    find=find_cifar10,
    files=f"{BINARY} or {PICKLED}",
    parquet=("cifar10_train.parquet", "cifar10_test.parquet"),
    downloads=(
        Archive(
            "https://www.cs.toronto.edu/~kriz",
            "cifar-10-binary.tar.gz",
            "c32a1d4ab5d03f1284b67883e8d87530",  # also torchvision's
            BINARY,
            (*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"),
        ),
    ),
    tasks=TASKS,
    published=PublishedVariance(19.0552, 32),
    attack=AttackBudget(8 / 255, 2 / 255, 10, 20, "customary", "Madry et al. (2018); S3's 45 % under PGD fit it"),
    network="wide_resnet",
    # about a minute on one thread; guessing gives 10 %, STA ends at 23 % under PGD and 19 % in the worst case, MP at
    # 22 % and 18 % (four seeds): more images helped, more epochs didn't
    quick={"image_size": 16, "train_size": 8_000, "batch_size": 50, "epochs": 8, "epsilon_warmup": 2},
)
