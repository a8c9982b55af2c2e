"""A known dataset on this machine. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from trainables.datasets.sources import Source, SplitName

Counts = Mapping[SplitName, int]


@dataclass(frozen=True)
class Found:
    """Where a known dataset was found; `form` names the files, `count` counts the images in them."""

    source: Source
    form: str
    count: Callable[[], Counts]
