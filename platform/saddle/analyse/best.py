"""The best trial of a study: one definition for the answer, `status`, `evaluate`, `export` and the lines of a run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from saddle.analyse.evaluation.validation_terms import alike_validated
from saddle.study.models import Constraint, Study
from saddle.study.selection import objectives_of, selection_of
from saddle.study.trainable.declarations import Declarations
from saddle.trial.outcome import Outcome
from saddle.trial.record import TrialRecord
from trainables.contract import Metric


def value_of(entry: TrialRecord, metric: str) -> float | None:
    """The finite value of a metric, or None if the trial has none."""
    value = entry.metrics.get(metric)
    return float(value) if value is not None and math.isfinite(value) else None


def violation(entry: TrialRecord, constraints: Iterable[Constraint]) -> float:
    """By how much, summed over constraints, a trial breaks them; infinite where a constrained metric is missing."""
    total = 0.0
    for constraint in constraints:
        value = value_of(entry, constraint.metric)
        total += math.inf if value is None else max(0.0, constraint.violation(value))
    return total


def candidates(
    entries: Iterable[TrialRecord], objectives: Sequence[Metric], constraints: Sequence[Constraint] = ()
) -> list[TrialRecord]:
    """The completed trials that keep every constraint and have a finite value of every objective, in trial order."""
    return sorted(
        (
            entry
            for entry in entries
            if entry.outcome == Outcome.COMPLETED
            and violation(entry, constraints) == 0
            and all(value_of(entry, objective.name) is not None for objective in objectives)
        ),
        key=trial_order,
    )


def trial_order(entry: TrialRecord) -> tuple[float, float, str]:
    """Sort key by Optuna's number, then by start (a ledger may hold trials without a number)."""
    return (math.inf if entry.number is None else entry.number, entry.started, entry.key)


def best(
    entries: Iterable[TrialRecord], objective: Metric, constraints: Sequence[Constraint] = ()
) -> TrialRecord | None:
    """The best completed trial that keeps the constraints; the earlier one of equals; None if there is none."""
    feasible = candidates(entries, [objective], constraints)
    return min(feasible, key=lambda entry: objective.cost(entry.metrics[objective.name]), default=None)


def best_trial(study: Study, declared: Declarations, entries: Iterable[TrialRecord]) -> TrialRecord | None:
    """The study's best trial, chosen on held-out data by what selects its checkpoints (see `selection_of`).

    It completed and keeps the constraints. Of several objectives it has all; among equals by the selecting metric, the
    objectives decide in their order, so that where that metric is one of them it is on the Pareto front. The earlier
    one of equals; None if there is none. Trials that validation measured by terms of their own are not ranked by it.
    """
    selection = selection_of(study, declared)
    wanted = list(dict.fromkeys([selection, *(objectives_of(study, declared) if study.search is not None else ())]))
    feasible = alike_validated(candidates(entries, wanted, study.constraints), declared.evaluation_fields)
    return min(feasible, key=lambda entry: [metric.cost(entry.metrics[metric.name]) for metric in wanted], default=None)
