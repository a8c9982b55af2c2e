"""Stored checkpoints as models."""

from __future__ import annotations

from typing import Any

from saddle.archive.lookup import FoundTrial, NotFound
from saddle.store.base import Store
from saddle.store.checkpoints import Checkpoints, load_state
from saddle.store.retention import describe_removal
from saddle.study.trainables import load_trainable


def stored_state(store: Store, trial: FoundTrial, which: str = "best") -> dict[str, Any]:
    """The `best` or `last` state of a trial, its checksum verified; raises `NotFound` where it isn't kept."""
    path = trial.entry.checkpoints.get(which)
    manifest = Checkpoints.of_trial(store, trial.stored.run, trial.entry.key).manifest
    saved = next((s for s in manifest.saved if s.path == path), None)
    if saved is None or not store.exists(saved.path):
        why = describe_removal(store, trial.stored.run, path) if path is not None else None
        raise NotFound(f"no {which} checkpoint of {trial.name} is kept" + (f": {why}" if why else ""))
    return load_state(store, saved)


def load_config(trial: FoundTrial, *, measured: bool = False) -> Any:
    """The configuration a trial was trained with, or the one that it was `measured` with last."""
    params = trial.entry.measured_params if measured else trial.entry.params
    return load_trainable(trial.stored.study.trainable).Config.model_validate(dict(params))


def load_model(store: Store, trial: FoundTrial, which: str = "best") -> Any:
    """The trained model of a trial, on the CPU and in eval mode."""
    trainable = load_trainable(trial.stored.study.trainable)
    return trainable.load(load_config(trial), stored_state(store, trial, which))
