"""Optuna's study of a search made again from the ledger, where its storage is gone or lacks trials.

The ledger is the truth, and every key is used once: a trial that had begun is RUNNING again with what it was given;
where that is lost, its number is taken by a trial that failed without settings, which counts for nothing.
CMA-ES starts its adaptation again; the other samplers and the pruners find all they had noted.
"""

from __future__ import annotations

import datetime
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.storages import BaseStorage
from optuna.trial import FixedTrial, FrozenTrial, TrialState, create_trial

from saddle.search.distinct_settings import order_by_condition, planned_trials
from saddle.search.optuna_internals import PARENTS, study_id, trial_id
from saddle.search.optuna_search import OUTCOME, RETRIED, SETTINGS, open_search, suggest
from saddle.search.optuna_values import final_values, intermediate_values, violations
from saddle.search.sampler_state import Remembered, recall
from saddle.search.storage import quiet_optuna
from saddle.study.models import Study
from saddle.trial.outcome import MEANINGS, RETRYABLE, Outcome
from saddle.trial.progress import TrialProgress
from saddle.trial.record import TrialRecord


def rebuild(
    study: Study,
    storage: BaseStorage,
    name: str,
    finished: Iterable[TrialRecord],
    begun: Mapping[int, TrialProgress | None],
) -> int:
    """Add the trials that Optuna's study lacks, every one under its own number; returns how many those were.

    Trials that are there already stay unchanged. `begun` are the running ones (see `begun_trials`).
    """
    quiet_optuna()
    search = open_search(study, storage, name)
    first = len(search.get_trials(deepcopy=False))
    entries = {entry.number: entry for entry in finished if entry.number is not None}
    under_way = {number: trial for number, trial in begun.items() if number not in entries}
    last = max([*entries, *under_way], default=-1)
    if first > last:
        return 0
    templates = [make_trial(study, entries.get(number), under_way.get(number)) for number in range(last + 1)]
    times = [when_told(entries.get(number), under_way.get(number)) for number in range(last + 1)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # said once already, when the trials were live
        remembered: Remembered = recall(study, name, templates, times)
        for template in templates[first:]:
            search.add_trial(template)
    ids = [trial_id(trial) for trial in search.get_trials(deepcopy=False)]
    for key, value in remembered.items():
        noted = [ids[number] for number in value] if PARENTS in key else value
        storage.set_study_system_attr(study_id(search), key, noted)
    if first == 0:
        search.set_user_attr(RETRIED, retried(study, entries, templates))
    return last + 1 - first


def make_trial(study: Study, entry: TrialRecord | None, begun: TrialProgress | None) -> FrozenTrial:
    """The trial as Optuna had it: finished, RUNNING, or a placeholder that failed."""
    if entry is not None:
        return finished_trial(study, entry)
    if begun is not None:
        return running_trial(study, begun)
    return create_trial(state=TrialState.FAIL)


def finished_trial(study: Study, record: TrialRecord) -> FrozenTrial:
    """What Optuna holds of a finished trial once it has received everything."""
    assert study.objective is not None
    state = TrialState[MEANINGS[Outcome(record.outcome)].optuna]
    reported = intermediate_values(study.objective, record.curve)
    values: list[float] | None = None
    if state == TrialState.COMPLETE:
        values = final_values(study.objective, record)
    elif state == TrialState.PRUNED and reported:  # as Optuna's `tell` does
        values = [reported[max(reported)]]
    trial = running_trial(study, record.progress, state=state, values=values, constraints=violations(study, record))
    trial.user_attrs[OUTCOME] = record.outcome
    trial.datetime_complete = datetime.datetime.fromtimestamp(record.ended) if state.is_finished() else None
    return trial


def running_trial(
    study: Study, begun: TrialProgress, state: TrialState = TrialState.RUNNING, **end: Any
) -> FrozenTrial:
    """What Optuna holds of a running trial; `end` is what it holds in addition of one that has ended."""
    assert study.objective is not None
    params, distributions = drawn(study, begun.spec.settings)
    trial = create_trial(
        state=state,
        params=params,
        distributions=distributions,
        user_attrs={SETTINGS: params},
        intermediate_values=intermediate_values(study.objective, begun.curve),
        **end,
    )
    trial.datetime_start = datetime.datetime.fromtimestamp(begun.started) if begun.started else trial.datetime_start
    return trial


def drawn(study: Study, settings: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, BaseDistribution]]:
    """The parameters in the order in which they are drawn, and the distributions they come from."""
    assert study.search is not None
    fixed = FixedTrial(dict(settings))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # choices of any type are meant
        for name in order_by_condition(study.search):
            if name in settings:
                suggest(fixed, name, study.search[name])
    return dict(fixed.params), dict(fixed.distributions)


def when_told(entry: TrialRecord | None, begun: TrialProgress | None) -> list[float]:
    """When the trial started, when each of its epochs was over, and when it ended, if it did."""
    if entry is not None:
        return [entry.started, *entry.epoch_times, entry.ended]
    if begun is not None:
        return [begun.started, *begun.times] if len(begun.times) == len(begun.curve) else [begun.started]
    return []


def retried(study: Study, entries: Mapping[int, TrialRecord], templates: Sequence[FrozenTrial]) -> list[int]:
    """Which failures were tried once more: as many as there are trials beyond the budget, matched by their settings."""
    planned = planned_trials(study)
    counted = [number for number, trial in enumerate(templates) if SETTINGS in trial.user_attrs]
    beyond = 0 if planned is None else max(0, len(counted) - planned)
    numbers: list[int] = []
    matched: set[int] = set()
    for number, entry in sorted(entries.items()):
        if len(numbers) == beyond or entry.outcome not in RETRYABLE:
            continue
        again = next(
            (n for n in counted if n > number and n not in matched and templates[n].params == templates[number].params),
            None,
        )
        if again is not None:
            matched.add(again)
            numbers.append(number)
    return numbers
