"""How long a study takes and how much it stores: measured on earlier trials here, else counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import mean, median
from typing import Any

from saddle.archive.studies import read_study, study_names
from saddle.errors import UserError
from saddle.store.base import Store
from saddle.store.ledger import Ledger
from saddle.store.open import trial_folder
from saddle.study.trainables import LoadedTrainable
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import RunId

OPERATIONS_PER_SECOND = 5.5e9
"""Multiply-adds a second of one CPU core in small networks, measured on the quickstart's."""

CHECKPOINTS_KEPT = 3
"""The best, the last and the one before it (see `store.checkpoints`)."""

BYTES_BESIDE_CHECKPOINTS = 40_000
"""A trial's arrays, images, curves and ledger entry."""


@dataclass(frozen=True)
class Estimate:
    """Seconds and bytes of one trial, and what they rest on; None where nothing is known."""

    seconds: float | None
    bytes: int | None
    basis: str


def estimate_trial(store: Store, trainable: LoadedTrainable, configs: Sequence[Any]) -> Estimate:
    """What a trial takes if it runs to its end, on average over these configurations; nothing where there are none."""
    if not configs:
        return Estimate(0.0, 0, "nothing is trained")
    measured = list(earlier_trials(store, trainable.name))
    if measured:
        paces = [pace for _, entry in measured if (pace := seconds_per_unit(trainable, entry)) is not None]
        units = [amount for config in configs if (amount := units_of(trainable, config)) is not None]
        return Estimate(
            median(paces) * mean(units) if paces and units else None,
            round(median(stored_bytes(store, run, entry) for run, entry in measured)),
            f"measured on {len(measured)} earlier trial{'s' if len(measured) > 1 else ''} in this storage",
        )
    if trainable.estimate is None:
        return Estimate(None, None, f"unknown until a trial of {trainable.name} has run in this storage")
    counted = [trainable.estimate(config) for config in configs]
    return Estimate(
        mean(operations for operations, _ in counted) / OPERATIONS_PER_SECOND,
        round(CHECKPOINTS_KEPT * mean(state for _, state in counted)) + BYTES_BESIDE_CHECKPOINTS,
        "counted, at a small network's pace on one CPU; measured once a trial has run in this storage",
    )


def units_of(trainable: LoadedTrainable, config: Any) -> float | None:
    """What a trial's time is taken to be proportional to: its operations where they can be counted, else its epochs."""
    if trainable.estimate is not None:
        return float(trainable.estimate(config)[0])
    epochs = getattr(config, "epochs", None)
    return float(epochs) if epochs else None


def seconds_per_unit(trainable: LoadedTrainable, entry: TrialRecord) -> float | None:
    """The pace of a finished trial, the part of it that ran; None where its configuration can't be read any more."""
    try:
        config = trainable.Config.model_validate(dict(entry.params))
    except ValueError:
        return None
    units = units_of(trainable, config)
    share = entry.epochs / getattr(config, "epochs", entry.epochs)
    return entry.seconds / (units * share) if units else None


def earlier_trials(store: Store, trainable_name: str) -> Iterator[tuple[RunId, TrialRecord]]:
    """Trials of the same trainable in this storage that ran for an epoch at least."""
    for name in study_names(store):
        try:
            stored = read_study(store, name)
        except UserError:  # damaged, which that study says itself
            continue
        if stored is not None and stored.study.trainable == trainable_name:
            entries = Ledger(store, stored.run)
            yield from ((stored.run, entry) for entry in entries if entry.epochs and entry.seconds > 0)


def stored_bytes(store: Store, run: RunId, entry: TrialRecord) -> int:
    """What a trial keeps in its folder."""
    return store.size(trial_folder(run, entry.key))
