"""Known datasets as their authors lay them out, with a few generated images."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from PIL import Image
from scipy.io import savemat

from tests.trainables.datasets.encoding import noise
from trainables.datasets.known.tiny_imagenet import TASKS

Array = np.ndarray[Any, Any]


def svhn(root: Path, train: Array, test: Array, labels: dict[str, list[int]]) -> None:
    """The two MATLAB files; images (N, 32, 32, 3), labels 1 to 10 as there."""
    for split, images in (("train", train), ("test", test)):
        path = root / "SVHN" / f"{split}_32x32.mat"
        path.parent.mkdir(parents=True, exist_ok=True)
        y = np.array(labels[split], np.uint8)[:, None]
        savemat(path, {"X": images.transpose(1, 2, 3, 0), "y": y}, do_compression=True)


def rows(images: Array) -> Array:
    """CIFAR's rows (N, 3072) of images (N, 32, 32, 3): a channel after the other."""
    return images.transpose(0, 3, 1, 2).reshape(len(images), -1)


def cifar_binary(root: Path, images: Array, labels: Array) -> None:
    """Six batches of as many images each, the last one for testing."""
    folder = root / "cifar-10-batches-bin"
    folder.mkdir(parents=True, exist_ok=True)
    for name, some, of in batches(images, labels):
        records = np.concatenate([of.astype(np.uint8)[:, None], rows(some)], 1)
        (folder / f"{name}.bin").write_bytes(records.tobytes())


def cifar_pickled(root: Path, images: Array, labels: Array) -> None:
    """The same as Python 2 and numpy 1 pickled them."""
    folder = root / "cifar-10-batches-py"
    folder.mkdir(parents=True, exist_ok=True)
    for name, some, of in batches(images, labels):
        batch = {b"batch_label": b"a batch", b"labels": of.tolist(), b"data": rows(some), b"filenames": [b"a"]}
        (folder / name).write_bytes(as_python_2(batch))


def batches(images: Array, labels: Array) -> list[tuple[str, Array, Array]]:
    names = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]
    return list(zip(names, np.split(images, 6), np.split(labels, 6), strict=True))


class _Python2(pickle._Pickler):
    """Strings of Python 2, and the old address of numpy's functions."""

    dispatch: ClassVar[dict[type, Any]] = dict(pickle._Pickler.dispatch)

    def save_bytes(self, obj: bytes) -> None:
        self.write(pickle.BINSTRING + len(obj).to_bytes(4, "little") + obj)
        self.memoize(obj)

    def save_text(self, obj: str) -> None:
        self.save_bytes(obj.encode("latin-1"))

    def save_global(self, obj: Any, name: str | None = None) -> None:
        module = "numpy.core.multiarray" if obj.__name__ == "_reconstruct" else obj.__module__
        self.write(pickle.GLOBAL + f"{module}\n{obj.__name__}\n".encode())
        self.memoize(obj)

    dispatch[bytes], dispatch[str], dispatch[type] = save_bytes, save_text, save_global


def as_python_2(value: Any) -> bytes:
    """The pickle of plain values and arrays, as Python 2 would have written it."""
    buffer = io.BytesIO()
    _Python2(buffer, protocol=2).dump(value)
    return buffer.getvalue()


def gtsrb(
    root: Path,
    training: str = "Final_Training/Images",
    per_class: int = 2,
    name_of: Callable[[int], str] = lambda number: f"{number:05d}",
) -> None:
    """Class folders of PPM images in changing sizes with a CSV each, and three test images with theirs."""
    home = root / "gtsrb" / "GTSRB"
    for label in range(43):
        lines = [
            write_sign(home / training / f"{label:05d}" / f"{name_of(number)}.ppm", label, label)
            for number in range(per_class)
        ]
        write_csv(home / training / f"{label:05d}" / f"GT-{label:05d}.csv", lines)
    answers = [
        write_sign(home / "Final_Test/Images" / f"{number:05d}.ppm", 200 + number, 2 * number) for number in range(3)
    ]
    write_csv(root / "gtsrb" / "GT-final_test.csv", answers)


def write_sign(path: Path, value: int, label: int) -> str:
    """An image of one colour, wider the greater `value` is; its line of the CSV file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    width = 15 + value % 7
    Image.new("RGB", (width, 15), (value, 0, 0)).save(path)
    return f"{path.name};{width};15;1;1;{width - 2};13;{label}"


def write_csv(path: Path, lines: list[str]) -> None:
    path.write_text("\n".join(["Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId", *lines]) + "\n")


def tiny_imagenet(root: Path) -> None:
    """An image for each class, the first one grey, and three validation images, all of one level each."""
    home, keys = root / "tiny-imagenet-200", TASKS.keys
    for label, key in enumerate(keys):
        folder = home / "train" / key / "images"
        folder.mkdir(parents=True)
        Image.new("L" if label == 0 else "RGB", (64, 64), 50 if label == 0 else (label, label, label)).save(
            folder / f"{key}_0.JPEG", quality=95
        )
    (home / "val" / "images").mkdir(parents=True)
    lines = []
    for number, label in enumerate((199, 0, 7)):
        Image.new("RGB", (64, 64), (label, label, label)).save(home / "val" / "images" / f"val_{number}.JPEG")
        lines.append(f"val_{number}.JPEG\t{keys[label]}\t0\t32\t44\t62\n")
    (home / "val" / "val_annotations.txt").write_text("".join(lines))


def cifar_images() -> tuple[Array, Array]:
    """Six batches of three images and their labels."""
    return noise(18, (32, 32, 3)), np.arange(18) % 10
