"""A study's policy for checkpoints, applied to its stored trials."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from saddle.analyse.best import trial_order, value_of, violation
from saddle.analyse.evaluation.validation_terms import alike_validated
from saddle.analyse.study_results import StudyResults
from saddle.archive.studies import StoredStudy
from saddle.report.cited_trials import cited
from saddle.store.base import Store
from saddle.store.checkpoint.retention import GIGABYTE, Plan, Removal, is_limited, plan_retention, remove
from saddle.store.open import study_folder
from saddle.store.ownership.fence import NO_LOCK, StudyLock
from saddle.store.ownership.lock import lock_study
from saddle.study.models import Study
from saddle.study.selection import selection_of
from saddle.study.trainable.declarations import Declarations
from saddle.trial.outcome import Outcome
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import RunId


def plan_for(store: Store, results: StudyResults) -> Plan:
    """What the study's policy would remove now; as cited counts what its report would cite if written now."""
    study = results.study
    if not is_limited(study.checkpoints):
        return Plan((), 0)
    order = ranked(study, results.declared, results.records)
    return plan_retention(store, results.run, study.checkpoints, order, cited(results))


def ranked(study: Study, declared: Declarations, entries: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Trials by the study's selection metric, best first: completed before others, constraints kept before broken.

    Of those that validation measured by different terms (see `alike_validated`), the ones that it can't rank come last,
    in the order in which they ran.
    """
    selection = selection_of(study, declared)
    completed = [entry for entry in entries if entry.outcome == Outcome.COMPLETED]
    comparable = {entry.key for entry in alike_validated(completed, declared.evaluation_fields)}

    def place(entry: TrialRecord) -> tuple[bool, bool, bool, float]:
        value = value_of(entry, selection.name)
        if entry.outcome == Outcome.COMPLETED and entry.key not in comparable:
            value = None
        is_feasible = violation(entry, study.constraints) == 0
        return (
            entry.outcome != Outcome.COMPLETED,
            not is_feasible,
            value is None,
            0.0 if value is None else selection.cost(value),
        )

    return sorted(sorted(entries, key=trial_order), key=place)


@dataclass(frozen=True)
class Collected:
    """What was removed from one study, or would be; `note` says why nothing is, if that isn't obvious."""

    study: str
    removals: Sequence[Removal] = ()
    kept_bytes: int = 0
    note: str = ""

    @property
    def bytes(self) -> int:
        """The size of what is removed."""
        return sum(removal.bytes for removal in self.removals)


def collect(store: Store, stored: StoredStudy, *, dry_run: bool) -> Collected:
    """Apply a study's policy, or only say what that would do; raises `StorageError` while a driver runs the study."""
    name = stored.run.name
    if not is_limited(stored.study.checkpoints):
        return Collected(name, note="keeps every checkpoint; its file sets no limit under checkpoints")
    if dry_run:
        plan = plan_for(store, stored.read_results(store))
    else:
        with lock_study(store, stored.run) as lock:
            plan = apply_policy(store, stored.read_results(store), lock)
    over = f"{plan.over / GIGABYTE:.3g} GB over its limit, all of it cited by the report" if plan.over else ""
    return Collected(name, plan.removals, plan.kept_bytes, over)


def collect_set_aside(store: Store, run: RunId, *, dry_run: bool) -> Collected:
    """Remove a whole run that `--fresh` has set aside (`NAME@…`), or only say what that would free.

    Raises `StorageError` while it is in use.
    """
    folder = study_folder(run)
    removal = Removal("", folder, store.size(folder), "the whole study, set aside by --fresh")
    if not dry_run:
        with lock_study(store, run):
            store.delete(folder)
            shutil.rmtree(store.local / folder, ignore_errors=True)  # this machine's part of one in a bucket
    return Collected(run.name, (removal,))


def apply_policy(store: Store, results: StudyResults, lock: StudyLock = NO_LOCK) -> Plan:
    """Remove what the study's policy gives up; only the study's driver may, or a process that keeps it out."""
    plan = plan_for(store, results)
    remove(store, results.run, plan.removals, lock)
    return plan
