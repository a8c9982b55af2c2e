"""Stored checkpoints as models, and the code that they need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from saddle.archive.lookup import FoundTrial
from saddle.archive.studies import StoredStudy
from saddle.errors import NotFound, TrainableError, UserError
from saddle.store.base import Store
from saddle.store.checkpoint.checkpoints import Checkpoints, load_state
from saddle.store.checkpoint.retention import describe_removal
from saddle.study.imported_table import IMPORTED
from saddle.study.trainable.declarations import Declarations
from saddle.study.trainable.loading import LoadedTrainable, find_trainables, load_trainable
from trainables.contract import NotProvided


def trainable_of(stored: StoredStudy) -> LoadedTrainable:
    """The code that a stored study was trained with; raises `TrainableError` with its name if it isn't installed."""
    if stored.study.source.is_own:
        return load_trainable(stored.study.source)
    if stored.declared.imported is not None:
        return load_trainable(IMPORTED)
    name, point, points = stored.study.source.name, stored.declared.entry_point, find_trainables()
    if name in points:
        return load_trainable(name)
    renamed = [other for other, installed in points.items() if installed.value == point]
    right = f"it is now called {renamed[0]}" if renamed else f"installed are: {', '.join(points) or 'none'}"
    found_at = f" ({point})" if point else ""
    raise TrainableError(f"{stored.run} needs the trainable {name}{found_at}, which is not installed", right)


def measuring_trainable(stored: StoredStudy) -> LoadedTrainable:
    """The trainable of a study whose trials are to be measured; raises `UserError` if it measures nothing."""
    trainable = trainable_of(stored)
    if "evaluate" in trainable.lacks:
        right = "write evaluate(config, state, run) in the file of the training function"
        if stored.study.source.command:
            right = "a program measures and reports itself, while it trains"
        raise UserError(f"trials of {stored.run} can't be measured again: there is no evaluate ({right})")
    return trainable


def declared_now(stored: StoredStudy) -> Declarations:
    """What the installed trainable declares, which may have been extended since; without it, what is stored."""
    try:
        return trainable_of(stored)
    except TrainableError:
        return stored.declared


def stored_state(store: Store, trial: FoundTrial, which: str = "best") -> dict[str, Any]:
    """The `best` or `last` state of a trial, its checksum verified; raises `NotFound` if it isn't kept."""
    path = trial.entry.checkpoints.get(which)
    manifest = Checkpoints.of_trial(store, trial.stored.run, trial.entry.key).manifest
    saved = next((s for s in manifest.saved if s.path == path), None)
    if saved is None or not store.exists(saved.path):
        reason = describe_removal(store, trial.stored.run, path) if path is not None else None
        raise NotFound(f"no {which} checkpoint of {trial.name} is kept" + (f": {reason}" if reason else ""))
    return load_state(store, saved)


def load_config(trial: FoundTrial, *, measured: bool = False) -> Any:
    """The configuration a trial was trained with, or the one that it was `measured` with last; raises `UserError`."""
    return config_of(trial, trial.entry.measured_params if measured else trial.entry.params)


def config_of(trial: FoundTrial, params: Mapping[str, Any]) -> Any:
    """A configuration of a trial; raises `UserError` if the installed trainable no longer accepts it."""
    trainable = trainable_of(trial.stored)
    try:
        return trainable.Config.model_validate(dict(params))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "its settings"
        raise UserError(
            f"the installed {trainable.name} no longer accepts a configuration of {trial.name}: {place} ="
            f" {first['input']!r}: {first['msg']}"
        ) from error


def load_model(store: Store, trial: FoundTrial, which: str = "best") -> Any:
    """The trained model of a trial, on the CPU and in eval mode."""
    try:
        return trainable_of(trial.stored).load(load_config(trial), stored_state(store, trial, which))
    except NotProvided as error:
        raise UserError(f"{trial.name} can't be loaded: {error}") from error
