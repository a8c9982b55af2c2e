"""The named datasets, one in each file of `known`. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping

import trainables.datasets.known as known
from trainables.datasets.known_dataset import KnownDataset
from trainables.discovery import discover

KNOWN: Mapping[str, KnownDataset] = discover(known, KnownDataset)
"""By the name that a study gives."""
