"""The trials that a report names or shows, whose models a reader may want to have."""

from __future__ import annotations

from saddle.analyse.study_results import StudyResults
from saddle.report.figure_selection import illustrated


def cited(results: StudyResults) -> set[str]:
    """The keys of the best trial or the Pareto front, and of the trials whose images are shown."""
    answer = results.answer
    named = [*answer.front, *([answer.best] if answer.best is not None else [])]
    shown = [entry for entry in illustrated(results) if entry.images]
    return {entry.key for entry in [*named, *shown]}
