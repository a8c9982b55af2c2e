"""What a tracker is told when a study that nobody trains any more is told of again."""

from __future__ import annotations

from collections.abc import Sequence

from saddle.analyse.answer_study import answer_study
from saddle.archive.progress import read_progress
from saddle.archive.studies import StoredStudy
from saddle.report.write import report_path
from saddle.store.base import Store
from saddle.track.arm_payload import answer_tags, describe_arms
from saddle.track.base import Tracker
from saddle.trial.record import TrialRecord


def tell_study_end(store: Store, stored: StoredStudy, entries: Sequence[TrialRecord], tracker: Tracker) -> None:
    """Tell of the arms and the answer as the ledger has them now, and end the study's run as it should have ended."""
    study, run = stored.study, stored.run
    progress = read_progress(store, run)
    done = progress is not None and progress.state == "finished"
    answer = answer_study(study, stored.declared, entries, stored.baseline)
    tags = answer_tags(study, answer, finished=done)
    arms = describe_arms(study, entries, answer, stored.baseline, finished=done)
    when = max((entry.settled for entry in entries), default=None) if done else None
    files = [report_path(run)] if store.exists(report_path(run)) else []
    tracker.finish_study("FINISHED" if done else "KILLED", arms, tags, files, when)
