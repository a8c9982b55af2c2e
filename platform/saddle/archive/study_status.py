"""How far a stored study is, and whether it is running."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from saddle.analyse.arms.added_arms import added_labels
from saddle.analyse.evaluation.badge import reasons_against
from saddle.archive.progress import Progress, read_progress
from saddle.archive.studies import StoredStudy
from saddle.store.base import Store
from saddle.store.infrastructure_errors import full_folder, read_only
from saddle.store.ledger.ledger import Ledger
from saddle.store.ownership.lock import driver_of
from saddle.store.run_files.notes import Note, read_notes
from saddle.study.history import UNCHANGED, PlanHistory
from saddle.trial.outcome import Outcome
from saddle.trial.run_id import RunId


@dataclass(frozen=True)
class StudyState:
    """The state that the driver last stored, and its process while there is one."""

    progress: Progress
    process: int | None
    host: str | None = None
    """The machine of the process, if it is another one."""
    flagged: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Reasons against finished trials, by their keys (see `with_stored`)."""
    history: PlanHistory = UNCHANGED
    """The plans of an ablation's seeds (see `with_stored`)."""
    added_later: Mapping[str, int] = field(default_factory=dict)
    """Arms that were added after results could be seen, with how many trials had ended then (see `with_stored`)."""
    notes: Sequence[Note] = ()
    """The notes on the study (see `with_stored`)."""
    job: str | None = None
    """The job that runs the study on a cluster, if the cluster was asked."""

    @property
    def running(self) -> bool:
        return self.process is not None or self.job is not None

    def facts(self) -> dict[str, Any]:
        """The state as plain data for JSON."""
        ours = {"process": self.process, "host": self.host, "job": self.job}
        flagged = {key: list(reasons) for key, reasons in self.flagged.items()}
        plans = [asdict(plan) for plan in self.history.plans]
        remaining = {"seconds_left": self.progress.seconds_left, "added_later": dict(self.added_later)}
        notes = [asdict(note) for note in self.notes]
        return asdict(self.progress) | {**remaining, **ours, "flagged": flagged, "plans": plans, "notes": notes}


def read_state(store: Store, run: RunId) -> StudyState:
    """The state of a run; one that says it runs but has no process was interrupted."""
    progress = read_progress(store, run) or Progress(run.name, state="not started")
    driver = driver_of(store, run)
    if progress.state == "running" and driver is None:
        progress.state, progress.why = "interrupted", _unwritable(store)
        progress.running.clear()
    return StudyState(progress, driver.process, driver.host) if driver is not None else StudyState(progress, None)


def with_stored(state: StudyState, store: Store, stored: StoredStudy) -> StudyState:
    """The state with the study's plans and the reasons against its finished trials.

    While it runs, its driver reports the latter for each trial.
    """
    added = added_labels(stored.arms, stored.history)
    state = replace(state, history=stored.history, added_later=added, notes=read_notes(store, stored.run))
    if state.running:
        return state
    completed = [entry for entry in Ledger(store, stored.run) if entry.outcome == Outcome.COMPLETED]
    reasons = {entry.key: reasons_against(entry, stored.declared) for entry in completed}
    return replace(state, flagged={key: against for key, against in reasons.items() if against})


def _unwritable(store: Store) -> str:
    """Why its driver may have been unable to store what stopped it; empty if the storage has room."""
    if "://" in store.url:
        return ""
    if read_only(store.url):
        return f"the storage {store.url} can only be read now"
    return str(full_folder([store.url]) or "")
