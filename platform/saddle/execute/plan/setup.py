"""What a study needs before its first trial: its proposals, and what earlier runs have done."""

from __future__ import annotations

from collections.abc import Container, Sequence

from saddle.analyse.remaining_replicates import needs_of
from saddle.archive.studies import StoredStudy
from saddle.design.trial_source import AblationSource
from saddle.errors import NotFound
from saddle.search.database import shared_url
from saddle.search.fault_tolerant import FaultTolerantSource
from saddle.search.journal import open_whole
from saddle.search.optuna_search import OptunaSearch
from saddle.search.rebuild import rebuild
from saddle.search.storage import journal_path, name_in_storage, open_storage
from saddle.search.unfinished import begun_trials
from saddle.store.base import Store
from saddle.store.checkpoint.checkpoints import Checkpoints
from saddle.store.ledger.ledger import Ledger
from saddle.store.ledger.trial_aside import set_trial_aside
from saddle.store.open import study_folder, trial_folder
from saddle.store.ownership.fence import NO_LOCK, StudyLock
from saddle.study.known_values import known_values
from saddle.study.models import Study
from saddle.study.nearest import nearest
from saddle.study.trainable.loading import load_trainable
from saddle.trial.placement import Placement
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import RunId
from saddle.trial.source import TrialSource

KEPT = ("checkpoints", "output")
"""What stays of a trial that starts over: the count of its attempts, and what they printed."""


def make_source(
    stored: StoredStudy,
    store: Store,
    ledger: Ledger,
    retry: Sequence[str],
    lock: StudyLock = NO_LOCK,
    again: Sequence[str] = (),
) -> TrialSource:
    """What decides on the study's trials, without those that are to be run again: of an outcome, or named in `again`.

    Of a search, such a trial's settings are tried once more as a new trial, and the earlier one stays; of an ablation
    or relation the named ones are set aside first.
    """
    study, arms, history = stored.study, stored.arms, stored.history
    entries, run = list(ledger), ledger.run
    named = named_trials(entries, run, again)
    repeated = [entry for entry in entries if entry.outcome in retry or entry in named]
    if study.search is None:
        for entry in named:
            set_trial_aside(store, run, entry.key, lock)
        for entry in repeated:
            start_trial_over(store, run, entry.key, lock)
            ledger.remove(entry.key)
        finished = {entry.key: entry for entry in entries if entry not in repeated}
        trainable = load_trainable(study.source)
        raced = study.ablation is not None and study.ablation.spending is not None
        judge = (lambda finished: needs_of(study, arms, finished, trainable, history)) if raced else None
        return AblationSource(run, stored.replicates, finished, judge)
    name, by_key = name_in_storage(run), {entry.key: entry for entry in entries}
    begun = begun_trials(store, run, by_key)
    journal = journal_path(store, run)
    storage = open_storage(journal) if shared_url() else open_whole(journal, study, name, entries, begun)
    rebuild(study, storage, name, entries, begun)
    search = OptunaSearch(study, run, storage, by_key, known=known_values(study), name=name)
    search.retry(repeated)
    return FaultTolerantSource(search)


def named_trials(entries: Sequence[TrialRecord], run: RunId, names: Sequence[str]) -> list[TrialRecord]:
    """The trials among these that are named by key or number, alone or as `STUDY/TRIAL`."""
    wanted = {name.removeprefix(f"{run.study}/") for name in names}
    return [entry for entry in entries if wanted & {entry.key, "" if entry.number is None else str(entry.number)}]


def require_named(store: Store, studies: Sequence[Study], names: Sequence[str]) -> None:
    """Raise `NotFound` for a name that is not a finished trial of these studies."""
    if not names:
        return
    ledgers = {study.study: Ledger(store, RunId(study.study)).entries() for study in studies}
    for name in names:
        if any(named_trials(entries, RunId(study), [name]) for study, entries in ledgers.items()):
            continue
        keys = [f"{study}/{entry.key}" for study, entries in ledgers.items() for entry in entries]
        hint = nearest(name, [*keys, *(key.partition("/")[2] for key in keys)])
        raise NotFound(
            f"--again {name}: there is no finished trial of this name" + (f"; did you mean {hint}?" if hint else "")
        )


def start_trial_over(store: Store, run: RunId, key: str, lock: StudyLock) -> None:
    """Drop what was trained of a trial; its attempts are counted on, so that no orphan passes for a new one."""
    lock.check()
    Checkpoints.of_trial(store, run, key, lock.token).start_over()
    folder = trial_folder(run, key)
    for name in list(store.names(folder)):
        if name not in KEPT:
            store.delete(f"{folder}/{name}")


def fence_off_workers(store: Store, run: RunId, finished: Container[str], lock: StudyLock) -> None:
    """Let the workers of earlier drivers, which may still run, write no more to the trials that have not ended."""
    for key in store.names(f"{study_folder(run)}/trials"):
        if key not in finished:
            Checkpoints.of_trial(store, run, key, lock.token).fence_off()


def place_trials(study: Study, store: Store, data_root: str | None, lock: StudyLock) -> Placement:
    """Where the study's trials run, but for the kind of machine that a block asks for."""
    resources, minutes = study.resources, study.budget.minutes_per_trial
    return Placement(
        store.url,
        data_root,
        resources.workers,
        resources.cpus_per_worker,
        resources.gpus_per_worker,
        time_limit=60 * minutes if minutes else None,
        token=lock.token,
    )
