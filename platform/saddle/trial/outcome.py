"""How a trial may end, and what each end means to Optuna and MLflow (one table, read by everyone)."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Outcome(StrEnum):
    """How a trial ended; its life, from what the source proposes to what the ledger holds:

    ```
    proposed ──► running ────┬──► COMPLETED   all epochs trained, test measured
       │         ▲   │       ├──► PRUNED      early stopping ended it after an epoch
       │         │   ▼       ├──► COLLAPSED   the method failed: no result is left to measure
       │      PREEMPTED      ├──► DIVERGED    the method failed: a loss or an objective is not a number
       │   its machine went  ├──► TIMED_OUT   an epoch, or all of them, took longer than allowed
       │   away, or no driver└──► FAILED      the trainable raised an error, or its workers died too often
       │   runs the study              ▲
       └───────────────────────────────┘ its values exclude each other: nothing is trained
    ```

    PREEMPTED is not an end: the trial is running for Optuna and MLflow, is not in the ledger, and continues from its
    checkpoint. All others are entered once; `--retry` starts those that FAILED or TIMED_OUT over.
    """

    COMPLETED = "completed"
    PRUNED = "pruned"
    COLLAPSED = "collapsed"
    DIVERGED = "diverged"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    PREEMPTED = "preempted"


class Meaning(NamedTuple):
    """What an outcome is called elsewhere."""

    optuna: str
    mlflow: str


MEANINGS: dict[Outcome, Meaning] = {
    Outcome.COMPLETED: Meaning("COMPLETE", "FINISHED"),
    Outcome.PRUNED: Meaning("PRUNED", "FINISHED"),
    Outcome.COLLAPSED: Meaning("PRUNED", "FINISHED"),
    Outcome.DIVERGED: Meaning("PRUNED", "FINISHED"),
    Outcome.FAILED: Meaning("FAIL", "FAILED"),
    Outcome.TIMED_OUT: Meaning("FAIL", "KILLED"),
    Outcome.PREEMPTED: Meaning("RUNNING", "RUNNING"),
}

METHOD_FAILURES = frozenset({Outcome.COLLAPSED, Outcome.DIVERGED})
"""The method failed: a result, which a comparison reports in addition to its effect."""

RETRYABLE = frozenset({Outcome.FAILED, Outcome.TIMED_OUT})
"""Outcomes that `--retry` starts over."""

FAILURES = METHOD_FAILURES | RETRYABLE
"""A seed that ended so has no value to compare, and not by chance: a comparison counts it against its arm."""
