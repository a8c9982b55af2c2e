"""The layout of folders of own images: which are splits, which classes, which only wrap others. No torch."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from trainables.datasets.errors import DataError
from trainables.datasets.files.locations import File, Folder
from trainables.datasets.names import normal
from trainables.datasets.sources import SplitName

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".pgm", ".ppm", ".tif", ".tiff", ".webp", ".gif")
ROLES: Mapping[str, SplitName] = {
    **dict.fromkeys(("train", "training", "trn"), "train"),
    **dict.fromkeys(("test", "testing", "tst"), "test"),
    **dict.fromkeys(("val", "valid", "validation", "validate", "dev"), "validation"),
}
"""Names of a split's folder, in any case, alone or with a word of `FILLERS` or a year: Training, test_images."""
FILLERS = ("images", "image", "imgs", "img", "pictures", "dataset", "data", "set", "split", "samples")
ADDED = re.compile(rf"({'|'.join(FILLERS)})?\d{{0,4}}$")
LEFT_BY_SYSTEMS = {
    "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "__macosx", "__pycache__", "@eadir", "$recycle.bin",
    "system volume information", "lost+found",
}  # fmt: skip
"""Files that systems leave in folders, in addition to hidden ones."""
ORDER: tuple[SplitName, ...] = ("train", "test", "validation")
DEPTH = 4
"""How many wrapping folders around the splits are searched."""
EXPECTED = (
    "expected CLASS/IMAGE, or train/CLASS/IMAGE and test/CLASS/IMAGE (also Training, test_images, …), with "
    "val/CLASS/IMAGE if there is one"
)


@dataclass(frozen=True)
class Layout:
    """The folder of each split, with class folders in it; or, without splits, `root` alone, which has them."""

    root: Folder
    splits: Mapping[SplitName, Folder]
    remarks: tuple[str, ...] = ()


def find_layout(root: Folder) -> Layout:
    """Find the class folders; raises `DataError` with what was seen if that is ambiguous."""
    folder = root
    passed: list[str] = []
    for _ in range(DEPTH):
        roles = _roles(folder)
        if "train" in roles or "test" in roles:
            return _by_split(folder, roles, tuple(passed))
        inner = _wrapped(folder)
        if inner is None:
            break
        passed += _unread(folder, [inner])
        folder = inner
    return Layout(folder, {}, (*passed, *_loose(folder)))


def visible(folder: Folder) -> list[File | Folder]:
    """What users put into a folder: neither hidden files nor those that systems leave there."""
    return [
        child
        for child in folder.children()
        if not child.name.startswith(".") and child.name.casefold() not in LEFT_BY_SYSTEMS
    ]


def folders_in(folder: Folder) -> list[Folder]:
    """The visible folders in a folder."""
    return [child for child in visible(folder) if isinstance(child, Folder)]


def is_image(child: File | Folder) -> bool:
    """Whether a name is that of an image."""
    return isinstance(child, File) and PurePosixPath(child.name).suffix.lower() in ENDINGS


def role_of(name: str) -> SplitName | None:
    """The split that a folder of this name contains, None if the name isn't that of a split."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", normal(name)).casefold()
    words = [word for word in re.split(r"[\W_]+", spaced) if word and word not in FILLERS]
    return ROLES.get(ADDED.sub("", words[0])) if len(words) == 1 else None


def in_words(names: Sequence[str]) -> str:
    """Names of folders, at most the first few."""
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _roles(folder: Folder) -> dict[SplitName, list[Folder]]:
    by_split: dict[SplitName, list[Folder]] = {}
    for child in folders_in(folder):
        role = role_of(child.name)
        if role is not None:
            by_split.setdefault(role, []).append(child)
    return by_split


def _wrapped(folder: Folder) -> Folder | None:
    """The folder that contains everything: the only one, with only folders in it, or `images` with the splits."""
    inside = folders_in(folder)
    if len(inside) == 1 and not any(map(is_image, folder.children())):
        [only] = inside
        return only if folders_in(only) and not any(map(is_image, visible(only))) else None
    named = [child for child in inside if child.name.casefold() in FILLERS and "train" in _roles(child)]
    return named[0] if len(named) == 1 else None


def _by_split(folder: Folder, roles: Mapping[SplitName, list[Folder]], passed: tuple[str, ...]) -> Layout:
    for role, several in roles.items():
        if len(several) > 1:
            raise DataError(f"{folder} has {len(several)} folders for {role}: {in_words([f.name for f in several])}")
    splits = {role: roles[role][0] for role in ORDER if role in roles}
    for role, other in (("train", "test"), ("test", "train")):
        if other not in splits:
            raise DataError(_one_sided(folder, splits, splits.get(role, folder), other))
    remarks = (*passed, *_unread(folder, list(splits.values())), *_loose(folder))
    inner = {role: _unwrapped(split) for role, split in splits.items()}
    for split in inner.values():
        remarks += _loose(split)
    return Layout(folder, inner, remarks)


def _one_sided(folder: Folder, splits: Mapping[SplitName, Folder], there: Folder, absent: str) -> str:
    hint = ""
    if absent == "test" and "validation" in splits:
        hint = (
            f"; rename {splits['validation'].name} to test to report results on it: a part of {there.name} is then "
            "held out for validation"
        )
    others = in_words(
        [child.name for child in folders_in(folder) if child is not there and role_of(child.name) is None]
    )
    neighbours = f"; next to it are {others}: if {there.name} is a class, too, rename it" if others else ""
    return (
        f"{folder} has a folder {there.name}, but none called {absent}; "
        f"add it, or put class folders in {folder}{hint}{neighbours}"
    )


def _unwrapped(split: Folder) -> Folder:
    """The folder of a split that contains the class folders, such as train/images."""
    for _ in range(DEPTH):
        inner = _wrapped(split)
        if inner is None:
            break
        split = inner
    return split


def _unread(folder: Folder, read: Sequence[Folder]) -> tuple[str, ...]:
    names = [child.name for child in folders_in(folder) if child.name not in {inner.name for inner in read}]
    if not names:
        return ()
    names_read = in_words([inner.name for inner in read])
    return (f"of {folder} only {names_read} {'is' if len(read) == 1 else 'are'} read, not {in_words(names)}",)


def _loose(folder: Folder) -> tuple[str, ...]:
    count = sum(map(is_image, visible(folder)))
    return (f"{count:,} images in {folder} are not in a class folder and are not read",) if count else ()
