"""How one process asks another's driver to stop."""

from __future__ import annotations

import time
from dataclasses import dataclass

from saddle.store.base import Store
from saddle.store.open import study_folder
from saddle.trial.run_id import RunId

LOOK_EVERY = 1.0
"""Seconds between two looks for a wish: in a bucket each of them is a request."""


def stop_path(run: RunId) -> str:
    """Where `saddle stop` leaves its wish, and the driver finds it."""
    return f"{study_folder(run)}/stop"


def ask_to_stop(store: Store, run: RunId) -> None:
    """Leave the wish that the driver of a run stops after the current epochs."""
    store.write(stop_path(run), b"")


def is_asked_to_stop(store: Store, run: RunId) -> bool:
    """Whether a stop was requested; a starting driver removes requests to an earlier one."""
    return store.exists(stop_path(run))


@dataclass
class StopWish:
    """Whether somebody ran `saddle stop` on the study."""

    store: Store
    run: RunId
    _looked: float = 0.0

    def made(self) -> bool:
        """Whether the wish was there when it was last looked for."""
        if time.monotonic() - self._looked < LOOK_EVERY:
            return False
        self._looked = time.monotonic()
        return is_asked_to_stop(self.store, self.run)
