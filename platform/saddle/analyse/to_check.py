"""The trials of a study that its checklist is run on."""

from __future__ import annotations

from statistics import fmean

from saddle.analyse.arms.paired_values import of_arm
from saddle.analyse.best import best, best_trial, value_of
from saddle.analyse.searches.pareto import pareto_front
from saddle.analyse.study_results import StudyResults
from saddle.study.selection import objectives_of, selection_of
from saddle.trial.outcome import Outcome
from saddle.trial.record import TrialRecord

MOST = 3
"""Trials checked at the end of a study; each takes about as long as training one of its trials at scale quick."""


def to_check(results: StudyResults) -> list[TrialRecord]:
    """The trials that would have the badge, and what an ablation's are compared with: at most `MOST` of them.

    Of a search the best one, or the first of its front; of an ablation or relation one replicate of the best arm
    and one of the baseline, each the best of its arm by the metric that selects checkpoints. None of them depends on
    what is checked.
    """
    study, records = results.study, results.records
    if study.search is None:
        return _of_ablation(results)[:MOST]
    objectives = objectives_of(study, results.declared)
    if len(objectives) > 1:
        return pareto_front(records, objectives, study.constraints)[:MOST]
    first = best_trial(study, results.declared, records)
    return [] if first is None else [first]


def _of_ablation(results: StudyResults) -> list[TrialRecord]:
    selection, metric = selection_of(results.study, results.declared), results.metric
    ranked: list[tuple[float, TrialRecord]] = []
    compared: list[TrialRecord] = []
    for arm in results.arms:
        completed = [record for record in of_arm(results.records, arm) if record.outcome == Outcome.COMPLETED]
        values = [value for record in completed if (value := value_of(record, metric.name)) is not None]
        first = best(completed, selection)
        if first is None or not values:
            continue
        ranked.append((metric.cost(fmean(values)), first))
        if arm.is_baseline:
            compared.append(first)
    leading = [record for _, record in sorted(ranked, key=lambda pair: pair[0])[:1]]
    return leading + [record for record in compared if record not in leading]
