"""What a trial printed: the one place that asks the storage for it."""

from __future__ import annotations

from collections.abc import Sequence

from saddle.store.base import Store
from saddle.trial.run_id import RunId


def read_log(store: Store, run: RunId, key: str) -> Sequence[tuple[str, str]]:
    """A heading and a text for each attempt and rank; nothing yet, as the output of trials is not stored."""
    return ()
