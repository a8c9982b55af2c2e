"""The best trial is a completed, feasible one; the earlier of equals."""

from __future__ import annotations

import math
from typing import Any

from saddle.analyse.best import best, candidates, violation
from saddle.study.models import Constraint
from saddle.trial.record import TrialRecord
from tests.support.records import make_record
from trainables.contract import complete_metric

UP = complete_metric("validation/a", "maximize")
DOWN = complete_metric("validation/a", "minimize")
FLOOR = Constraint.model_validate("validation/c >= 0.9")


def trial(number: int, value: float | None, outcome: str = "completed", **metrics: Any) -> TrialRecord:
    measured = {"c": 1.0, **metrics} | ({} if value is None else {"a": value})
    named = {f"validation/{name}": number for name, number in measured.items() if number is not None}
    return make_record(str(number), "s", 0, outcome, {}, {}, named, number=number)


def test_direction_decides() -> None:
    entries = [trial(0, 0.2), trial(1, 0.8), trial(2, 0.5)]
    assert best(entries, UP) is entries[1]
    assert best(entries, DOWN) is entries[0]


def test_ties_go_to_the_earlier_trial_whatever_the_order_of_the_ledger() -> None:
    entries = [trial(2, 0.8), trial(1, 0.8), trial(3, 0.8)]
    assert best(entries, UP) is entries[1]
    assert best(entries, DOWN) is entries[1]


def test_only_completed_trials_with_a_finite_value_count() -> None:
    others = [trial(i, 0.9, outcome) for i, outcome in enumerate(["pruned", "failed", "collapsed", "timed_out"])]
    others += [trial(7, math.nan), trial(8, math.inf), trial(9, None)]
    assert best(others, UP) is None
    last = trial(10, 0.1)
    assert best([*others, last], UP) is last


def test_infeasible_trials_lose_and_a_missing_constrained_metric_is_infeasible() -> None:
    entries = [trial(0, 0.9, c=0.5), trial(1, 0.8, c=None), trial(2, 0.7, c=math.nan), trial(3, 0.1, c=0.9)]
    assert candidates(entries, [UP], [FLOOR]) == [entries[3]]
    assert best(entries, UP, [FLOOR]) is entries[3]
    assert math.isclose(violation(entries[0], [FLOOR]), 0.4)
    assert violation(entries[1], [FLOOR]) == math.inf
