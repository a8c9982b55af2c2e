"""Groups of images that a source names: their numbers, and groups in several splits. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count

from trainables.datasets.sources import GroupName, SplitName

Groups = Mapping[SplitName, Sequence[GroupName | None]]


def numbered_groups(groups: Groups) -> dict[SplitName, list[int]]:
    """The number of each image's group, the same for a name in all splits; an image without a name is its own group."""
    fresh, numbers = count(), dict[GroupName, int]()
    return {
        split: [
            next(fresh) if name is None else numbers[name] if name in numbers else numbers.setdefault(name, next(fresh))
            for name in names
        ]
        for split, names in groups.items()
    }


def known_groups(groups: Groups) -> dict[SplitName, Sequence[GroupName | None]]:
    """The splits that have at least one image with a known group."""
    return {split: names for split, names in groups.items() if any(name is not None for name in names)}


def unknown(groups: Groups) -> Iterator[str]:
    """A remark that the training images' groups aren't known although the dataset's images belong together."""
    if "train" not in groups:
        yield (
            "neither file names nor a column `group` say which training images show the same thing: validation "
            "images may show the same things as training images"
        )


def crossing(groups: Groups) -> Iterator[str]:
    """A remark for each split that also has groups of the training images."""
    trained = {name for name in groups.get("train", ()) if name is not None}
    for split, names in groups.items():
        present = {name for name in names if name is not None}
        both = present & trained
        if split != "train" and both:
            images = sum(name in both for name in names)
            yield (
                f"{images:,} of {len(names):,} {split} images belong to groups that are trained on, too "
                f"({len(both):,} of {len(present):,} groups, such as {min(map(str, both))!r})"
            )
