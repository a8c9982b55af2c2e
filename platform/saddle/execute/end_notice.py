"""Telling the channels of a study file that the study has ended, or stopped by itself."""

from __future__ import annotations

from saddle.analyse.outcomes import ended
from saddle.analyse.study_results import StudyResults
from saddle.execute.progress import ProgressKeeper
from saddle.redaction import redact
from saddle.study.models import Study
from saddle.track.notification import notify


def tell_end(study: Study, keeper: ProgressKeeper, text: str) -> None:
    """Notify every channel; one that can't be notified is named in a line, and changes nothing else."""
    _, problems = notify(study.notify or (), redact(text))
    for problem in problems:
        keeper.listener.changed(keeper.progress, problem)


def text_of_end(results: StudyResults, report: str) -> str:
    """The message of a study that has come to its end: its answer, how its trials ended, and the report."""
    records = results.records
    trials = f"{len(records)} trials ended: {ended(records)}." if records else "No trial has ended."
    return f"{results.run.name} has ended. {results.answer.sentence}\n{trials}\nreport: {report}"


def text_of_stop(study: Study, why: str) -> str:
    """The message of a study that stopped by itself."""
    return f"{study.study} has stopped: {why}"
