"""What a tracker gets when a study that has no driver is sent to it again."""

from __future__ import annotations

from saddle.analyse.study_results import StudyResults
from saddle.archive.progress import read_progress
from saddle.report.write import report_path
from saddle.store.base import Store
from saddle.track.answer_payload import describe_answer
from saddle.track.arm_payload import describe_arms
from saddle.track.base import Tracker


def tell_study_end(store: Store, results: StudyResults, tracker: Tracker) -> None:
    """Track the arms and the answer according to the ledger, and end the study's run as it should have ended."""
    run = results.run
    progress = read_progress(store, run)
    finished = progress is not None and progress.state == "finished"
    arms, answer = describe_arms(results, finished=finished), describe_answer(results, finished=finished)
    when = max((record.settled for record in results.records), default=None) if finished else None
    files = [report_path(run)] if store.exists(report_path(run)) else []
    tracker.finish_study("FINISHED" if finished else "KILLED", arms, answer, files, when)
