"""MNIST and Fashion-MNIST: where their files are and what they must contain. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from trainables.datasets.formats.idx import read_content, verify

IMAGES = {"train": "train-images-idx3-ubyte", "test": "t10k-images-idx3-ubyte"}
LABELS = {"train": "train-labels-idx1-ubyte", "test": "t10k-labels-idx1-ubyte"}

SIZES = {
    "train-images-idx3-ubyte": 47_040_016,
    "train-labels-idx1-ubyte": 60_008,
    "t10k-images-idx3-ubyte": 7_840_016,
    "t10k-labels-idx1-ubyte": 10_008,
}
"""Bytes of each file when decompressed; the same for both datasets."""


@dataclass(frozen=True)
class IdxSet:
    """`folder`: torchvision's name under the data root. `sha256`: of the decompressed files, by name."""

    folder: str
    url: str
    sha256: Mapping[str, str]


IDX_SETS: Mapping[str, IdxSet] = {
    "mnist": IdxSet(
        folder="MNIST/raw",
        url="https://ossci-datasets.s3.amazonaws.com/mnist",
        sha256={
            "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        },
    ),
    "fashion_mnist": IdxSet(
        folder="FashionMNIST/raw",
        # the authors' own address has no TLS; the checksums below stand for the content
        url="http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
        sha256={
            "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        },
    ),
}


def places(name: str, root: Path) -> list[Path]:
    """The folders in which the files of `name` are looked for, the one to download into first."""
    return [root / IDX_SETS[name].folder, root / name]


def find(name: str, file: str, root: Path) -> Path | None:
    """The file, plain or gzipped, in one of its places; None when it is in none."""
    candidates = [place / variant for place in places(name, root) for variant in (file, f"{file}.gz")]
    return next((path for path in candidates if path.is_file()), None)


def read_verified(name: str, file: str, path: Path) -> bytes:
    """The decompressed content of one file; raises `DataError` when it isn't the well-known one."""
    content = read_content(path, limit=SIZES[file])
    verify(path, content, IDX_SETS[name].sha256[file])
    return content
