"""A finished trial as a plain row, for JSON, CSV and data frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from saddle.analyse.evaluation.badge import reasons_against
from saddle.analyse.result import headline
from saddle.archive.studies import StoredStudy
from saddle.store.base import Store
from saddle.store.ledger.ledger import Ledger
from saddle.study.trainable.declarations import Declarations
from saddle.trial.record import TrialRecord


def result_row(entry: TrialRecord, stored: StoredStudy) -> dict[str, Any]:
    """The row that `saddle results --json` prints."""
    return {
        "study": stored.run.name,
        "trial": entry.key,
        "arm": entry.arm,
        "seed": entry.seed,
        "block": dict(entry.block),
        "outcome": entry.outcome,
        "flags": list(reasons_against(entry, stored.declared)),
        "why": entry.why,
        "params": dict(entry.params),
        "settings": dict(entry.settings),
        "metrics": dict(entry.metrics),
        "test_last": dict(entry.test_last),
        "epochs": entry.epochs,
        "selected_epoch": entry.selected_epoch,
        "seconds": entry.seconds,
        "attempts": entry.attempts,
        "fingerprints": dict(entry.fingerprints),
        "evaluation": dict(entry.evaluation),
        "measured": entry.measured or None,
        "earlier": [
            {"evaluation": dict(measurement.evaluation), "metrics": dict(measurement.metrics), "when": measurement.when}
            for measurement in entry.earlier
        ],
    }


def study_rows(store: Store, stored: StoredStudy) -> list[dict[str, Any]]:
    """The finished trials of a stored run: of a search by number, of an ablation in the order of running."""
    return [result_row(entry, stored) for entry in Ledger(store, stored.run).entries()]


def flat_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """A result row with one column per parameter and metric, as CSV needs it."""
    nested = ("params", "metrics", "evaluation", "settings", "test_last", "fingerprints", "block", "earlier")
    return {
        **{name: "; ".join(value) if name == "flags" else value for name, value in row.items() if name not in nested},
        **{f"{group}.{name}": value for group in nested[:3] for name, value in row[group].items()},
    }


def headline_metrics(rows: Sequence[Mapping[str, Any]], declared: Declarations, first: str = "test/") -> list[str]:
    """Three metrics, as many as a terminal has room for: `first` (a metric or a split), then accuracies."""
    names = dict.fromkeys(name for row in rows for name in row["metrics"] if not name.startswith("train/"))
    metrics = [declared.metric(name) for name in names]
    principal = [
        metric for metric in metrics if metric.worst_case or metric.role == "clean" or metric.name == first
    ] or metrics
    split = first.partition("/")[0]
    ordered = sorted(principal, key=lambda metric: (metric.name != first, *headline(metric, split), metric.name))
    return [metric.name for metric in ordered[:3]]
