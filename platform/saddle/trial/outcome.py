"""How a trial may end, and what each end means to Optuna and MLflow (one table, read by everyone)."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Outcome(StrEnum):
    """How a trial ended."""

    COMPLETED = "completed"
    PRUNED = "pruned"
    COLLAPSED = "collapsed"
    DIVERGED = "diverged"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    PREEMPTED = "preempted"


class Meaning(NamedTuple):
    """What an outcome is called elsewhere; `finished` ones are not run again without `--retry`."""

    optuna: str
    mlflow: str
    finished: bool


MEANINGS: dict[Outcome, Meaning] = {
    Outcome.COMPLETED: Meaning("COMPLETE", "FINISHED", True),
    Outcome.PRUNED: Meaning("PRUNED", "FINISHED", True),
    Outcome.COLLAPSED: Meaning("PRUNED", "FINISHED", True),
    Outcome.DIVERGED: Meaning("PRUNED", "FINISHED", True),
    Outcome.FAILED: Meaning("FAIL", "FAILED", True),
    Outcome.TIMED_OUT: Meaning("FAIL", "KILLED", True),
    Outcome.PREEMPTED: Meaning("RUNNING", "RUNNING", False),
}

METHOD_FAILURES = frozenset({Outcome.COLLAPSED, Outcome.DIVERGED})
"""The method failed: a result, which a comparison reports beside its effect."""

FAILURES = METHOD_FAILURES | {Outcome.FAILED, Outcome.TIMED_OUT}
"""A seed that ended so has no value to compare, and not by chance: a comparison counts it against its arm."""
