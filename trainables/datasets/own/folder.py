"""Bring your own images: a folder of class folders, here or on S3. Imports no torch until it is read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from trainables.datasets.config import FolderDataset
from trainables.datasets.errors import DataError, DataNotFoundError, Mistakes, nearest
from trainables.datasets.files.addresses import find
from trainables.datasets.files.locations import File, Folder
from trainables.datasets.formats.folder import FolderSource, Listed, split_fixed
from trainables.datasets.formats.layout import ENDINGS, EXPECTED, find_layout, folders_in, in_words, is_image, visible
from trainables.datasets.names import normal
from trainables.datasets.sources import SPLITS

SHARES = ("80 %", "20 %")


def find_folder(spec: FolderDataset) -> FolderSource:
    """List the images of `ROOT/train/CLASS/*`, `ROOT/test/CLASS/*` and, if there is one, `ROOT/val/CLASS/*`.

    Or `ROOT/CLASS/*`, with a fixed stratified 80/20 split; see `layout` for the names of splits, and what may
    be around them. Classes are the folders' names in sorted order. Raises `DataError` naming the offending folder;
    mistakes of single files are reported with those of the images.
    """
    [root] = find(spec.folder)
    if not isinstance(root, Folder):
        why = "does not exist" if root is None else "is not a folder"
        raise DataNotFoundError(f"dataset folder {spec.folder} {why}")
    layout = find_layout(root)
    mistakes = Mistakes()
    if layout.splits:
        classes = tuple(_class_folders(layout.splits["train"]))
        listed = {split: _images(folder, classes, mistakes) for split, folder in layout.splits.items()}
        origins = {split: str(folder) for split, folder in layout.splits.items()}
        remarks = layout.remarks
    else:
        classes = tuple(_class_folders(layout.root))
        pairs = _images(layout.root, classes, mistakes)
        if not pairs:
            mistakes.raise_any()
        grouped = [group_of(spec.group, classes[label], file) for file, label in pairs]
        splits = split_fixed([label for _, label in pairs], str(layout.root), grouped)
        listed = {split: [pair for pair, of in zip(pairs, splits, strict=True) if of == split] for split in SPLITS}
        origins = {split: f"{share} of {layout.root}, by class" for split, share in zip(SPLITS, SHARES, strict=True)}
        remarks = layout.remarks
    for split, of in listed.items():
        if not of:
            mistakes.add(f"{origins[split]} gives no {split} images")
    if not all(listed.values()):
        mistakes.raise_any()
    images = tuple(
        Listed(file, label, split, group_of(spec.group, classes[label], file))
        for split, of in listed.items()
        for file, label in of
    )
    return FolderSource(root.name, classes, images, tuple(mistakes.messages), origins, (*remarks, *case_only(classes)))


def group_of(pattern: str | None, name: str, file: File) -> str | None:
    """The match of `pattern` in CLASS/FILE, its first group if it has one; None without a match."""
    matched = re.search(pattern, f"{name}/{file.name}") if pattern is not None else None
    return None if matched is None else matched[1 if matched.re.groups else 0]


def _class_folders(folder: Folder) -> dict[str, list[Folder]]:
    """The class folders by class: names that differ only in their Unicode form are one class."""
    classes: dict[str, list[Folder]] = {}
    for child in folders_in(folder):
        classes.setdefault(normal(child.name), []).append(child)
    if not classes:
        count = sum(map(is_image, visible(folder)))
        images = f", but {count:,} images" if count else ""
        raise DataError(f"{folder} has no class folders{images}; images go into {folder}/CLASS ({EXPECTED})")
    inside = [visible(path) for several in classes.values() for path in several]
    if all(children and all(isinstance(child, Folder) for child in children) for children in inside):
        raise DataError(
            f"{folder} has the folders {in_words(sorted(classes))}, in which there are folders "
            f"({in_words([child.name for child in inside[0]])}) and no images; {EXPECTED}"
        )
    return dict(sorted(classes.items()))


def _images(folder: Folder, classes: Sequence[str], mistakes: Mistakes) -> list[tuple[File, int]]:
    """All images below `folder` in sorted order, each with its label; other files are noted."""
    labelled: list[tuple[File, int]] = []
    for name, class_folders in _class_folders(folder).items():
        if name not in classes:
            mistakes.add(f"{class_folders[0]} is a class that the training images don't have; {nearest(name, classes)}")
            continue
        children = [child for class_folder in class_folders for child in visible(class_folder)]
        for child in children:
            if isinstance(child, File) and is_image(child):
                labelled.append((child, classes.index(name)))
            elif isinstance(child, Folder):
                mistakes.add(f"{child} is not an image but a folder; images must be directly in {class_folders[0]}")
            else:
                mistakes.add(f"{child} is not an image ({', '.join(ENDINGS)}); move it out of the class folder")
        if not children:
            mistakes.add(f"class folder {class_folders[0]} is empty")
    return labelled


def case_only(classes: Sequence[str]) -> Iterator[str]:
    """Remarks on classes whose names differ only in case, as letters may and words hardly do."""
    spellings: dict[str, str] = {}
    for name in classes:
        other = spellings.setdefault(name.casefold(), name)
        if other != name:
            yield f"{other!r} and {name!r} are two classes whose names differ only in case"
