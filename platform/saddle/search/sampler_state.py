"""What samplers and pruners note in Optuna's storage about trials, found again by letting them see the trials again."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import optuna
from optuna.storages import BaseStorage, InMemoryStorage
from optuna.trial import FrozenTrial, Trial, TrialState, create_trial

from saddle.search.optuna_internals import GRID_NOTES, PARENTS, start_trial, study_id, trial_id
from saddle.search.pruners import make_pruner
from saddle.search.samplers import make_sampler
from saddle.study.models import Study

Remembered = dict[str, Any]

NOTING_SAMPLERS = frozenset({"nsga2", "qmc", "grid"})
"""Samplers that note generations, places in a sequence, or points of a grid."""

NOTING_PRUNERS = frozenset({"asha", "hyperband"})
"""Pruners that note the rungs that trials have reached."""

START, EPOCH, END = range(3)


def recall(study: Study, name: str, trials: Sequence[FrozenTrial], times: Sequence[Sequence[float]]) -> Remembered:
    """Put the notes about each trial into its system attributes; returns those about the search as a whole.

    Trials that these name (see `PARENTS`) are given by number.

    `trials` are all of the search, by number; `times` say of each when it started, when its epochs were over and when
    it ended; there are none for one that counts for nothing. `name` is the study's in the storage, which Hyperband's
    brackets depend on.
    """
    sampling = study.sampler.name in NOTING_SAMPLERS
    pruning = study.early_stopping.name in NOTING_PRUNERS
    if not sampling and not pruning:
        return {}
    storage = InMemoryStorage()
    again = optuna.create_study(
        storage=storage,
        study_name=name,
        sampler=make_sampler(study.sampler, study.search or {}) if sampling else optuna.samplers.RandomSampler(),
        pruner=make_pruner(study.early_stopping),
        directions=[objective.direction for objective in study.objective or ()],
    )
    live: list[Trial] = []
    for _, number, what, epoch in events(trials, times):
        trial = trials[number]
        if what == START:
            live.append(start(again, storage, trial, sampling and bool(times[number])))
        elif what == EPOCH and pruning and epoch in trial.intermediate_values:
            live[number].report(trial.intermediate_values[epoch], epoch)
            live[number].should_prune()
        elif what == END:
            storage.set_trial_state_values(trial_id(live[number]), trial.state, trial.values)
    for trial, replayed in zip(trials, live, strict=True):
        trial.system_attrs.update(storage.get_trial_system_attrs(trial_id(replayed)))
        if study.sampler.name == "grid":
            forget_other_point(again, trial)
    numbers = {trial_id(replayed): replayed.number for replayed in live}
    notes = storage.get_study_system_attrs(study_id(again))
    return {key: [numbers[i] for i in value] if PARENTS in key else value for key, value in notes.items()}


def events(trials: Sequence[FrozenTrial], times: Sequence[Sequence[float]]) -> list[tuple[float, int, int, int]]:
    """Everything that happened, in order: when, the trial's number, what, and in which epoch; starts go by number."""
    events: list[tuple[float, int, int, int]] = []
    started = 0.0
    for number, (trial, known) in enumerate(zip(trials, times, strict=True)):
        started = max([started, *known[:1]])
        events.append((started, number, START, 0))
        ended = trial.state.is_finished() and bool(known)
        epochs = known[1:-1] if ended else known[1:]
        # the wall clock may have been set back meanwhile, but no epoch comes before the one that it follows
        moments = list(accumulate([started, *epochs], max))
        events += [(moment, number, EPOCH, epoch) for epoch, moment in enumerate(moments[1:], start=1)]
        if ended or trial.state.is_finished():
            events.append((max([moments[-1], *known[-1:]]), number, END, 0))
    return sorted(events)


def start(again: optuna.Study, storage: BaseStorage, trial: FrozenTrial, sampling: bool) -> Trial:
    """Let the sampler see a trial start, as if it drew what the trial was given."""
    template = create_trial(state=TrialState.RUNNING, system_attrs=trial.system_attrs)
    replayed = start_trial(again, storage, template)
    if sampling:
        _ = replayed.relative_params  # drawn lazily; drawing leaves the notes
    for name, distribution in trial.distributions.items():
        value = distribution.to_internal_repr(trial.params[name])
        storage.set_trial_param(trial_id(replayed), name, value, distribution)
    return replayed


def forget_other_point(again: optuna.Study, trial: FrozenTrial) -> None:
    """A trial that was not the grid's own (a retry, a failure without settings) does not count as a point of it."""
    sampler = again.sampler
    same = (
        bool(trial.params)
        and GRID_NOTES[0] in trial.system_attrs
        and all(
            sampler.sample_independent(again, trial, name, distribution) == trial.params[name]
            for name, distribution in trial.distributions.items()
        )
    )
    if not same:
        for note in GRID_NOTES:
            trial.system_attrs.pop(note, None)
