"""The checklist of honest robustness on a stored trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from saddle.archive.lookup import FoundTrial
from saddle.archive.model.models import load_config, stored_state, trainable_of
from saddle.archive.model.trial_arrays import stored_arrays
from saddle.errors import NotFound, UserError
from saddle.store.base import Store
from saddle.study.selection import selection_of
from saddle.trial.outcome import Outcome
from saddle.trial.record import TrialRecord
from trainables.contract import CheckItem, InProcessRun, TrainedTrial


def check_trial(
    store: Store, trial: FoundTrial, entries: Sequence[TrialRecord], data_root: str | None = None, device: str = "cpu"
) -> list[CheckItem]:
    """Every item's verdict on the selected checkpoint of a trial; `entries` are all of its study.

    Raises `UserError` for a trainable without a checklist, `NotFound` for a checkpoint that isn't kept.
    """
    trainable = trainable_of(trial.stored)
    if trainable.check_robustness is None:
        raise UserError(f"{trainable.name} has no checklist of robustness; adversarial_training has one")
    run = InProcessRun(seed=trial.entry.seed, data_root=data_root, device_name=device)
    trained = what_is_known(store, trial, entries)
    return list(trainable.check_robustness(load_config(trial), stored_state(store, trial), run, trained))


def what_is_known(store: Store, trial: FoundTrial, entries: Sequence[TrialRecord]) -> TrainedTrial:
    """What is known about a trial from its study, and another replicate of the study's baseline if one is kept."""
    entry, study = trial.entry, trial.stored.study
    completed = [other for other in entries if other.outcome == Outcome.COMPLETED]
    of_arm = {other.seed for other in completed if entry.arm is not None and other.arm == entry.arm}
    return TrainedTrial(
        metrics=entry.metrics,
        test_last=entry.test_last,
        curve=list(entry.curve),
        selected_by=selection_of(study, trial.stored.declared).name,
        selected_epoch=entry.selected_epoch,
        seeds=max(1, len(of_arm)),
        arrays=stored_arrays(store, entry),
        other=other_replicate(store, trial, completed),
    )


def other_replicate(
    store: Store, trial: FoundTrial, completed: Sequence[TrialRecord]
) -> tuple[Any, Mapping[str, Any]] | None:
    """Configuration and state of a replicate of the baseline with another seed and the same data; None without one."""
    names = {name for arm in trial.stored.arms if arm.is_baseline for name in (arm.name, arm.key)}
    for entry in completed:
        if entry.arm in names and entry.seed != trial.entry.seed and entry.block == trial.entry.block:
            other = FoundTrial(trial.stored, entry)
            try:
                return load_config(other), stored_state(store, other)
            except NotFound:  # the policy for checkpoints has removed it
                continue
    return None
