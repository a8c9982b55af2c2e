"""The trials that a report names or shows, whose models a reader may want to have."""

from __future__ import annotations

from collections.abc import Sequence

from saddle.analyse.result import Answer
from saddle.report.figure_selection import illustrated
from saddle.study.declarations import Declarations
from saddle.study.models import Study
from saddle.trial.record import TrialRecord


def cited(study: Study, entries: Sequence[TrialRecord], answer: Answer, declared: Declarations) -> set[str]:
    """The keys of the best trial or the Pareto front, and of the trials whose images are shown."""
    named = [*answer.front, *([answer.best] if answer.best is not None else [])]
    shown = [entry for entry in illustrated(study, entries, answer, declared) if entry.images]
    return {entry.key for entry in [*named, *shown]}
