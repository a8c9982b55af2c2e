"""The tracks of GTSRB: training images are frames of videos, 30 of each physical sign that a car drove past.

Stallkamp et al. 2012, section 3: training images are called TRACK_FRAME within a class's folder. The images of the
official test set are numbered at random on purpose, so that their tracks can't be told: each counts as one of its own.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

NAMED = re.compile(r"(?:\d{5}_)?(?P<track>\d{5})_\d{5}")
"""TRACK_FRAME, before which some copies repeat the class."""


def track_of(label: int, path: str) -> str | None:
    """The track of an image of class `label` in a file of this name or path, None where the name doesn't tell."""
    matched = NAMED.fullmatch(PurePosixPath(path.replace("\\", "/")).stem)
    return None if matched is None else f"class {label}, track {matched['track']}"
