"""Sends MLflow again what it lacks or has wrong, through the tracker and its outbox, as when the study ran."""

from __future__ import annotations

from collections.abc import Sequence

from saddle.archive.studies import StoredStudy
from saddle.archive.study_end import tell_study_end
from saddle.store.base import Store
from saddle.track.mlflow_tracker import MlflowTracker
from saddle.track.opening import open_tracker
from saddle.track.study_payload import study_params, study_tags
from saddle.verify.artifacts import first_files
from saddle.verify.checkpoints import keys_of
from saddle.verify.difference import Difference, Repair
from saddle.verify.mlflow_lookup import restore_experiment
from saddle.verify.verify_study import Verification

DELIVERY_SECONDS = 600.0
"""How long to wait for MLflow as long as it accepts requests."""


def retell(store: Store, stored: StoredStudy, verification: Verification, todo: Sequence[Difference]) -> None:
    """Deliver what waits; if nothing does, send MLflow what the differences require."""
    restore_experiment(store, stored.study.study)
    tracker = open_tracker(store, stored.run, declared=stored.declared, by_unit=stored.study.relation is not None)
    assert isinstance(tracker, MlflowTracker)
    if not any(difference.repair is Repair.DELIVER for difference in todo):
        tell(store, stored, verification, todo, tracker)
    tracker.close(DELIVERY_SECONDS)


def tell(
    store: Store, stored: StoredStudy, verification: Verification, todo: Sequence[Difference], tracker: MlflowTracker
) -> None:
    """Remove the runs that can't be corrected, send the trials again, and end the study's run correctly."""
    study, run, entries = stored.study, stored.run, list(verification.finished)
    by_key = keys_of(entries)
    if any(difference.trial is None and difference.repair is Repair.RESEND for difference in todo):
        latest = max(entries, key=lambda entry: entry.ended, default=None)
        code = {"sources": "unknown", "environment": {}, **(latest.fingerprints if latest is not None else {})}
        start = min((entry.started for entry in entries), default=None)
        tracker.start_study(study_params(study), study_tags(study, code), first_files(run), start)
    for difference in todo:
        if difference.repair in (Repair.REMAKE, Repair.REMOVE_RUN) and difference.trial is not None:
            tracker.remove_runs(difference.trial, difference.subjects)
    again = {d.trial for d in todo if d.repair in (Repair.RESEND, Repair.REMAKE) and d.trial in by_key}
    for entry in entries:
        if entry.key in again:
            tracker.start_trial(entry.progress, resent=True)
            tracker.finish_trial(entry, list(entry.images.values()))
    tell_study_end(store, stored.results(entries), tracker)
