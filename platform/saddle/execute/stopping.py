"""How one process asks another's driver to stop."""

from __future__ import annotations

from saddle.store.opening import study_folder


def stop_path(study: str) -> str:
    """Where `saddle stop` leaves its wish, and the driver finds it."""
    return f"{study_folder(study)}/stop"
