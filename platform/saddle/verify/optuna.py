"""A search's Optuna study against the ledger."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from saddle.archive.studies import StoredStudy
from saddle.search.database import shared_url
from saddle.search.distinct_settings import planned_trials
from saddle.search.optuna_search import RETRIED, SETTINGS, trial_key
from saddle.search.optuna_values import is_reported
from saddle.search.rebuild import finished_trial
from saddle.search.storage import journal_path, name_in_storage, open_journal, open_storage, quiet_optuna
from saddle.store.base import Store
from saddle.store.scratch import scratch_folder
from saddle.study.models import Study
from saddle.trial.record import TrialRecord
from saddle.verify.difference import Difference, Repair, first_few

REL_TOL = 1e-9


@dataclass(frozen=True)
class Search:
    """What Optuna stores of a search; `trials` is None if there is nothing, `damage` says why it can't be read."""

    trials: Sequence[FrozenTrial] | None
    retried: Sequence[int] = ()
    damage: str = ""


def read_search(store: Store, stored: StoredStudy) -> Search:
    """Optuna's trials; nothing is changed or made. Raises `SharedDatabaseError`."""
    quiet_optuna()
    name = name_in_storage(stored.run)
    try:
        with reading(journal_path(store, stored.run)) as storage:
            if storage is None:
                return Search(None)
            search = optuna.load_study(storage=storage, study_name=name)
            return Search(search.get_trials(), search.user_attrs.get(RETRIED, []))
    except (ValueError, TypeError, AssertionError) as error:
        return Search(None, damage=f"{type(error).__name__}: {error}")
    except KeyError as error:  # no study of this name, or a journal that lacks what it refers to
        return Search(None, damage="" if name in str(error) or not str(error) else f"KeyError: {error}")


@contextmanager
def reading(journal: Path) -> Iterator[BaseStorage | None]:
    """The shared database, or a copy of the journal's whole lines, which a driver may be adding to."""
    if shared_url() is not None:
        yield open_storage(journal)
        return
    try:
        content = journal.read_bytes()
    except FileNotFoundError:
        yield None
        return
    with scratch_folder() as folder:
        copy = folder / "optuna.journal"
        copy.write_bytes(content[: content.rfind(b"\n") + 1])
        yield open_journal(copy)


def total(study: Study, search: Search) -> int | None:
    """How many trials the search has in all, retries included; None where only time bounds it."""
    planned = planned_trials(study)
    return None if planned is None else planned + len(search.retried)


def unfinished(search: Search, finished: Mapping[str, TrialRecord]) -> list[str]:
    """The trials that have begun, by key, and that the ledger lacks."""
    return [
        trial_key(trial.number)
        for trial in search.trials or ()
        if trial.state == TrialState.RUNNING
        and SETTINGS in trial.user_attrs
        and trial_key(trial.number) not in finished
    ]


def compare_search(
    study: Study, search: Search, finished: Mapping[str, TrialRecord], running: bool, in_ledger: Callable[[str], bool]
) -> list[Difference]:
    """Every difference; while a driver is `running` the study, results that it is about to report are not differences.

    `in_ledger` checks again whether a key is in the ledger now, readable or not.
    """
    if search.trials is None:
        if not search.damage and not finished:
            return []  # nothing was ever proposed
        what = f"the study can't be read: {search.damage}" if search.damage else "there is no study of this name"
        return [Difference("optuna", None, what, Repair.REBUILD_OPTUNA)]
    differences: list[Difference] = []
    for key, entry in finished.items():
        assert entry.number is not None
        problems = (
            ["it is missing"] if entry.number >= len(search.trials) and not running
            else [] if entry.number >= len(search.trials)
            else compare_trial(search.trials[entry.number], finished_trial(study, entry), running)
        )  # fmt: skip
        differences += [Difference("optuna", key, problem, Repair.REBUILD_OPTUNA) for problem in problems]
    for trial in search.trials:
        key = trial_key(trial.number)
        if key not in finished and trial.state.is_finished() and SETTINGS in trial.user_attrs and not in_ledger(key):
            what = f"it is {trial.state.name}, and the ledger has no entry of it"
            differences.append(Difference("optuna", key, what, Repair.REBUILD_OPTUNA))
    return differences


def compare_trial(actual: FrozenTrial, expected: FrozenTrial, running: bool) -> list[str]:
    """How a trial differs from what its ledger entry says."""
    if actual.state == TrialState.RUNNING and expected.state != TrialState.RUNNING:
        return [] if running else [f"it is RUNNING, and ended {expected.user_attrs['outcome']}"]
    differences = []
    if actual.state != expected.state:
        differences.append(f"it is {actual.state.name}, and should be {expected.state.name}")
    if not same(actual.values, expected.values):
        differences.append(f"its values are {actual.values}, and should be {expected.values}")
    parts: dict[str, tuple[Mapping[Any, Any], Mapping[Any, Any]]] = {
        "parameter": (actual.params, expected.params),
        "value of epoch": (
            # an older saddle reported every epoch
            {epoch: value for epoch, value in actual.intermediate_values.items() if is_reported(epoch)},
            expected.intermediate_values,
        ),
        "constraint": (actual.constraints, expected.constraints),
        "user attribute": (actual.user_attrs, expected.user_attrs),
    }
    for name, (has, should) in parts.items():
        missing = [key for key in should if key not in has]
        other = [key for key in should if key in has and not same(has[key], should[key])]
        extra = [key for key in has if key not in should]
        for keys, what in ((missing, "is missing"), (other, "differs"), (extra, "is not in the ledger")):
            if keys:
                differences.append(f"{name} {first_few(keys)} {what}")
    return differences


def same(actual: Any, expected: Any) -> bool:
    """Equal, numbers up to what a database may round away."""
    if isinstance(actual, Mapping) and isinstance(expected, Mapping):
        return actual.keys() == expected.keys() and all(same(actual[key], expected[key]) for key in actual)
    if isinstance(actual, list | tuple) and isinstance(expected, list | tuple):
        return len(actual) == len(expected) and all(same(a, b) for a, b in zip(actual, expected, strict=True))
    if isinstance(actual, float) and isinstance(expected, float | int):
        return math.isclose(actual, expected, rel_tol=REL_TOL) or (math.isnan(actual) and math.isnan(expected))
    return bool(actual == expected)
