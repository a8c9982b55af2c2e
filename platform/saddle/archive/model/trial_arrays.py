"""What a trial's evaluation stored about single samples."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from saddle.errors import Damaged, ForeignPath
from saddle.store.base import Store
from saddle.store.parallel import in_parallel
from saddle.trial.record import TrialRecord


def stored_arrays(store: Store, entry: TrialRecord) -> Mapping[str, Any]:
    """The arrays of a trial (numpy) by their names, without those that are not kept or can't be read."""
    import numpy as np

    def read(path: str) -> Any:
        try:
            return np.load(io.BytesIO(store.read(path)), allow_pickle=False)
        except (FileNotFoundError, Damaged, ForeignPath, ValueError):
            return None

    arrays = dict(zip(entry.arrays, in_parallel(store, read, entry.arrays.values()), strict=True))
    return {name: array for name, array in arrays.items() if array is not None}
