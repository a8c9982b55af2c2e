"""The tracks of GTSRB: training images are frames of videos, 30 of each physical sign that a car drove past.

Stallkamp et al. 2012, section 3: training images are called TRACK_FRAME within a class's folder. The images of the
official test set are numbered at random on purpose, so that their tracks can't be told: each counts as one of its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from trainables.datasets.sources import GroupName

NAMED = re.compile(r"(?:\d{5}_)?(?P<track>\d{5})_\d{5}")
"""TRACK_FRAME, before which some copies repeat the class."""


def track_groups(images: Sequence[tuple[int | None, str | None]]) -> list[GroupName | None]:
    """The track of each image, given by label and file name; None where the name doesn't tell."""
    return [None if label is None or name is None else track_of(label, name) for label, name in images]


def track_of(label: int, path: str) -> str | None:
    """The track of an image of class `label` in a file of this name or path, None where the name doesn't tell."""
    matched = NAMED.fullmatch(PurePosixPath(path.replace("\\", "/")).stem)
    return None if matched is None else f"class {label}, track {matched['track']}"
