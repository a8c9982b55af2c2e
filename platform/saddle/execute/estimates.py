"""How long a study takes and how much it stores: measured on earlier trials here, else counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from saddle.archive.studies import read_study, study_names
from saddle.store.entry import Entry
from saddle.store.ledger import Ledger
from saddle.store.local import LocalStore
from saddle.store.opening import trial_folder

OPERATIONS_PER_SECOND = 2.5e9
"""Multiply-adds a second of one CPU core in small networks; a guess that stands until a trial was measured here."""

CHECKPOINTS_KEPT = 3


@dataclass(frozen=True)
class Estimate:
    """Seconds and bytes of one trial, and what they rest on; None where nothing is known."""

    seconds: float | None
    bytes: int | None
    basis: str


def estimate_trial(store: LocalStore, trainable_name: str, trainable: Any, config: Any) -> Estimate:
    """What a trial of this configuration takes if it runs to its end."""
    count = getattr(trainable, "estimate", None)
    operations, state_bytes = count(config) if count else (None, None)
    measured = [(entry, size) for entry, size in _earlier(store, trainable_name) if entry.epochs and entry.seconds > 0]
    if measured:
        sizes = [size for _, size in measured]
        per_epoch = [entry.seconds / entry.epochs for entry, _ in measured]
        epochs = getattr(config, "epochs", None)
        seconds = None
        if operations:
            pace = [entry.seconds / (done * entry.epochs / all_epochs) for entry, _ in measured
                    for done, all_epochs in [_operations(trainable, entry)] if done]  # fmt: skip
            seconds = median(pace) * operations if pace else None
        elif epochs:
            seconds = median(per_epoch) * epochs
        return Estimate(seconds, round(median(sizes)), f"measured on {len(measured)} earlier trials in this storage")
    if operations is None:
        return Estimate(None, None, f"unknown until a trial of {trainable_name} has run in this storage")
    threads = 1
    return Estimate(
        operations / OPERATIONS_PER_SECOND / threads,
        CHECKPOINTS_KEPT * int(state_bytes or 0),
        "counted operations at an assumed pace; expect it to be off by a factor of two or three",
    )


def _operations(trainable: Any, entry: Entry) -> tuple[float, int]:
    """Operations and epochs that an earlier trial's configuration stands for."""
    config = trainable.Config.model_validate(dict(entry.params))
    return float(trainable.estimate(config)[0]), getattr(config, "epochs", entry.epochs)


def _earlier(store: LocalStore, trainable_name: str) -> Sequence[tuple[Entry, int]]:
    """Trials of the same trainable in this storage, and the bytes each keeps."""
    found = []
    for name in study_names(store):
        stored = read_study(store, name)
        if stored is not None and stored.study.trainable == trainable_name:
            found += [(entry, _stored_bytes(store, entry)) for entry in Ledger(store, name)]
    return found


def _stored_bytes(store: LocalStore, entry: Entry) -> int:
    folder = store.path(trial_folder(entry.study, entry.key))
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
