"""Which trials of a study its checklist looks at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from saddle.analyse.answer_study import arms_of_study
from saddle.analyse.best import best, value_of
from saddle.analyse.paired_values import of_arm
from saddle.analyse.result import Answer
from saddle.study.declarations import Declarations
from saddle.study.models import Study
from saddle.study.selection import selection_of
from saddle.trial.outcome import Outcome
from saddle.trial.record import TrialRecord

MOST = 3
"""Trials checked at the end of a study; each takes about as long as training one of its trials at scale quick."""


def to_check(
    study: Study,
    declared: Declarations,
    entries: Sequence[TrialRecord],
    answer: Answer,
    baseline: Mapping[str, Any] | None,
) -> list[TrialRecord]:
    """The trials that would have the badge, and what an ablation's are compared with: at most `MOST` of them.

    Of a search the best one, or the first of its front; of an ablation one replicate of the best arm and one of the
    baseline, each the best of its arm by the metric that selects checkpoints.
    """
    if study.ablation is not None:
        return _of_ablation(study, declared, entries, answer, baseline)[:MOST]
    return (list(answer.front) or ([answer.best] if answer.best is not None else []))[:MOST]


def _of_ablation(
    study: Study,
    declared: Declarations,
    entries: Sequence[TrialRecord],
    answer: Answer,
    baseline: Mapping[str, Any] | None,
) -> list[TrialRecord]:
    selection = selection_of(study, declared)
    ranked: list[tuple[float, TrialRecord]] = []
    compared: list[TrialRecord] = []
    for arm in arms_of_study(study, baseline):
        completed = [entry for entry in of_arm(entries, arm) if entry.outcome == Outcome.COMPLETED]
        values = [value for entry in completed if (value := value_of(entry, answer.metric.name)) is not None]
        first = best(completed, selection)
        if first is None or not values:
            continue
        ranked.append((answer.metric.cost(fmean(values)), first))
        if arm.is_baseline:
            compared.append(first)
    leading = [entry for _, entry in sorted(ranked, key=lambda one: one[0])[:1]]
    return leading + [entry for entry in compared if entry not in leading]
