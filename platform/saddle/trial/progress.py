"""How far a trial has come: what a resumed one continues from, and an ended one keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from saddle.trial.spec import TrialSpec


@dataclass(frozen=True, slots=True)
class TrialProgress:
    """A trial that has begun; of a running one the driver knows when it `started`, and the latest attempt.

    The store keeps it as a manifest, with checksums and fences (`saddle.store.checkpoint.manifest`).
    """

    spec: TrialSpec
    started: float = 0.0
    """Unix seconds; 0 if it isn't known."""
    attempts: int = 0
    """How often a worker has taken it up: the latest attempt's number, and orphans have lower ones."""
    epochs: int = 0
    seconds: float = 0.0
    """Training time of all epochs."""
    selected_epoch: int | None = None
    curve: Sequence[Mapping[str, float]] = ()
    """The metrics of every epoch; from the ledger a `JsonList`, as `times`."""
    times: Sequence[float] = ()
    """When each epoch of the curve was over, in Unix seconds."""
    checkpoints: Mapping[str, str] = field(default_factory=dict)
    """Paths in the store of the states called `best` and `last`."""
