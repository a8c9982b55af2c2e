"""Which of the known datasets are on this machine."""

from __future__ import annotations

from pathlib import Path

from trainables.datasets.config import KNOWN
from trainables.datasets.idx_sets import IDX_SETS, SIZES, find


def is_present(name: str, root: Path) -> bool:
    """Whether every file of a known dataset lies under the data root; what is in them is not looked at."""
    if name not in IDX_SETS:
        return KNOWN[name].bundled
    return all(find(name, file, root) is not None for file in SIZES)
