"""Bring your own images: a folder of class folders, here or on S3. Imports no torch until it is read."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import PurePosixPath

from trainables.datasets.config import FolderDataset
from trainables.datasets.errors import DataError, DataNotFoundError, nearest
from trainables.datasets.locations import File, Folder, find
from trainables.datasets.sources import SPLITS, Contents, Sample, SplitName

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".pgm", ".ppm", ".tif", ".tiff", ".webp")
SPLIT_SEED = 20261121
"""Seed of the fixed 80/20 split of a folder that brings none."""
TEST_SHARE = 0.2
AHEAD = 16
"""Files that are read at once: each waits for an answer, not for this machine."""


@dataclass(frozen=True)
class Listed:
    """An image that has been found, and not been opened."""

    file: File
    label: int
    split: SplitName


@dataclass(frozen=True)
class FolderSource:
    """Class folders whose images have been listed."""

    name: str
    classes: tuple[str, ...]
    images: tuple[Listed, ...]

    @property
    def files(self) -> list[tuple[str, File]]:
        return [(f"{image.split} {self.classes[image.label]}", image.file) for image in self.images]

    def count(self) -> dict[SplitName, int]:
        """How many images each split has."""
        return {split: sum(image.split == split for image in self.images) for split in SPLITS}

    def contents(self) -> Contents:
        import torch

        labels = {
            split: torch.tensor([image.label for image in self.images if image.split == split]) for split in SPLITS
        }
        return Contents(self.classes, labels, self._samples())

    def _samples(self) -> Iterator[Sample]:
        waiting: deque[tuple[Listed, Future[bytes]]] = deque()
        with ThreadPoolExecutor(AHEAD, thread_name_prefix="images") as pool:
            try:
                for image in self.images:
                    waiting.append((image, pool.submit(image.file.read)))
                    if len(waiting) > AHEAD:
                        yield _sample(*waiting.popleft())
                while waiting:
                    yield _sample(*waiting.popleft())
            finally:
                for _, future in waiting:
                    future.cancel()


def _sample(image: Listed, content: Future[bytes]) -> Sample:
    return Sample(image.split, str(image.file), content.result())


def find_folder(spec: FolderDataset) -> FolderSource:
    """List `ROOT/train/CLASS/*` and `ROOT/test/CLASS/*`, or `ROOT/CLASS/*` with a fixed stratified 80/20 split.

    Classes are the folders' names in sorted order. Raises `DataError` naming the offending folder or file.
    """
    [root] = find(spec.folder)
    if not isinstance(root, Folder):
        raise DataNotFoundError(f"dataset folder {spec.folder} {'does not exist' if root is None else 'is no folder'}")
    parts = [one for one in root.children() if isinstance(one, Folder) and one.name in SPLITS]
    parts.sort(key=lambda folder: folder.name == "test")
    if len(parts) == 1:
        other = "test" if parts[0].name == "train" else "train"
        raise DataError(
            f"{root} has a folder {parts[0].name}, but none called {other}; add it, or put class folders in {root}"
        )
    classes = tuple(folder.name for folder in _class_folders(parts[0] if parts else root))
    listed = [_images(part, classes) for part in parts or [root]]
    if parts:
        splits: list[SplitName] = [split for split, found in zip(SPLITS, listed, strict=True) for _ in found]
    else:
        splits = split_fixed([label for _, label in listed[0]], str(root))
    found = [pair for part in listed for pair in part]
    images = tuple(Listed(file, label, split) for (file, label), split in zip(found, splits, strict=True))
    return FolderSource(root.name, classes, images)


def split_fixed(labels: Sequence[int], root: str) -> list[SplitName]:
    """Which split each image belongs to where there are no splits, 80/20 by class; `root` names them in errors."""
    if len(labels) < 2:
        raise DataError(f"{root} has a single image, too few to split into training and test images")
    import torch

    from trainables.datasets.dataset import stratified_order

    order = stratified_order(torch.tensor(labels), SPLIT_SEED)
    tests = set(order[: max(1, round(TEST_SHARE * len(order)))].tolist())
    return ["test" if index in tests else "train" for index in range(len(labels))]


def _visible(folder: Folder) -> list[File | Folder]:
    return [one for one in folder.children() if not one.name.startswith((".", "__"))]


def _class_folders(folder: Folder) -> list[Folder]:
    classes = [one for one in _visible(folder) if isinstance(one, Folder)]
    if not classes:
        raise DataError(f"{folder} has no class folders; images go into {folder}/CLASS")
    return classes


def _images(folder: Folder, classes: Sequence[str]) -> list[tuple[File, int]]:
    """All images below `folder` in sorted order, each with its label."""
    found: list[tuple[File, int]] = []
    for class_folder in _class_folders(folder):
        if class_folder.name not in classes:
            raise DataError(
                f"{class_folder} is a class that the training images don't have; {nearest(class_folder.name, classes)}"
            )
        label = list(classes).index(class_folder.name)
        files = [one for one in _visible(class_folder) if one.name != "Thumbs.db"]
        for file in files:
            if not isinstance(file, File) or PurePosixPath(file.name).suffix.lower() not in ENDINGS:
                raise DataError(f"{file} is no image ({', '.join(ENDINGS)}); move it out of the class folder")
            found.append((file, label))
        if not files:
            raise DataError(f"class folder {class_folder} is empty")
    return found
