"""Where a trial is trained, with what, and for how long."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Placement:
    """The resources of a trial, and the folders that its workers read and write."""

    storage: str
    """The URL of the store."""
    data_root: str | None = None
    workers: int = 1
    cpus_per_worker: float = 1.0
    gpus_per_worker: float = 0.0
    machine: str | None = None
    """The kind of machine it must run on; None for any."""
    time_limit: float | None = None
    """Seconds of training after which the trial is timed out."""
    token: int | None = None
    """The driver's fencing token; None for a driver without a fence."""

    @property
    def threads(self) -> int:
        """Torch threads of a worker, its share of the CPUs."""
        return max(1, int(self.cpus_per_worker))
