"""The trials that a report shows or names: the leading ones, those whose images it shows, those it cites."""

from __future__ import annotations

from saddle.analyse.best import candidates
from saddle.analyse.study_results import StudyResults
from saddle.report.drawing.arm_order import groups_in_order
from saddle.study.selection import objectives_of
from saddle.trial.outcome import METHOD_FAILURES, Outcome
from saddle.trial.record import TrialRecord


def leaders(results: StudyResults) -> list[TrialRecord]:
    """The best trials, best first: the Pareto front, or the order of the single objective."""
    if results.answer.front:
        return list(results.answer.front)
    objective, *others = objectives_of(results.study, results.declared)
    ranked = candidates(results.comparable, [objective, *others], results.study.constraints)
    return sorted(ranked, key=lambda entry: objective.cost(entry.metrics[objective.name]))


def illustrated(results: StudyResults) -> list[TrialRecord]:
    """The trials whose images are worth a look: failures of the method, and one per arm or the best of a search."""
    entries = results.comparable
    failures = [entry for entry in entries if entry.outcome in METHOD_FAILURES][:4]
    if results.study.search is None:
        first = []
        for members in groups_in_order(results).values():
            pictured = [entry for entry in members if entry.outcome == Outcome.COMPLETED and entry.images]
            first += sorted(pictured, key=lambda entry: entry.seed)[:1]
        return [*failures, *first]
    shown = 4 if results.answer.front else 2  # the trials of a front are good at different things
    return [*failures, *leaders(results)[:shown]]


def cited(results: StudyResults) -> set[str]:
    """The keys of the best trial or the Pareto front, and of the trials whose images are shown: readers need these."""
    answer = results.answer
    leading = [*answer.front, *([answer.best] if answer.best is not None else [])]
    shown = [entry for entry in illustrated(results) if entry.images]
    return {entry.key for entry in [*leading, *shown]}
