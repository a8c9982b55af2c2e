"""How one process asks another's driver to stop."""

from __future__ import annotations

import time
from dataclasses import dataclass

from saddle.store.base import Store
from saddle.store.open import study_folder
from saddle.trial.run_id import RunId

LOOK_EVERY = 1.0
"""Seconds between two looks for a request: in a bucket each of them is an HTTP call."""


def stop_path(run: RunId) -> str:
    """Where `saddle stop` leaves its request, and the driver finds it."""
    return f"{study_folder(run)}/stop"


def ask_to_stop(store: Store, run: RunId) -> None:
    """Request that the driver of a run stops after the current epochs."""
    store.write(stop_path(run), b"")


def is_asked_to_stop(store: Store, run: RunId) -> bool:
    """Whether a stop was requested; a starting driver removes requests to an earlier one."""
    return store.exists(stop_path(run))


@dataclass
class StopWish:
    """Whether somebody ran `saddle stop` on the study."""

    store: Store
    run: RunId
    _looked_at: float = 0.0

    def made(self) -> bool:
        """Whether there was a request at the last look."""
        if time.monotonic() - self._looked_at < LOOK_EVERY:
            return False
        self._looked_at = time.monotonic()
        return is_asked_to_stop(self.store, self.run)
