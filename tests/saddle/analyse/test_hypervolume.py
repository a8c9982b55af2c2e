"""The course of the hypervolume: exact, never falling, one where a trial is best in everything."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saddle.analyse.hypervolume import dominated_share, hypervolume_course
from saddle.analyse.pareto import pareto_front
from saddle.study.models import Constraint
from saddle.trial.record import TrialRecord
from tests.support.records import make_record
from trainables.contract import complete_metric

BOTH = [
    complete_metric("validation/robust", "maximize"),
    complete_metric("validation/loss", "minimize"),
]


def trial(number: int, robust: float, loss: float, outcome: str = "completed") -> TrialRecord:
    metrics = {"validation/robust": robust, "validation/loss": loss}
    return make_record(
        key=str(number), study="s", seed=0, outcome=outcome, params={}, settings={}, number=number, metrics=metrics
    )


@pytest.mark.parametrize("objectives", [2, 3])
def test_the_share_is_that_of_random_points_that_are_dominated(objectives: int) -> None:
    draw = np.random.default_rng(objectives)
    for _ in range(5):
        front = draw.random((8, objectives))
        thrown = draw.random((200_000, objectives))
        hit = np.zeros(len(thrown), dtype=bool)
        for point in front:
            hit |= (point <= thrown).all(axis=1)
        error = 4 * np.sqrt(0.25 / len(thrown))
        assert dominated_share(front) == pytest.approx(hit.mean(), abs=error)


def test_a_course_by_hand() -> None:
    trials = [trial(0, 0.2, 3.0), trial(1, 0.6, 2.0), trial(2, 0.4, 1.0), trial(3, 0.3, 2.5), trial(4, 0.6, 1.0)]
    course = hypervolume_course(reversed(trials), BOTH)
    assert course is not None
    assert [entry.number for entry in course.trials] == [0, 1, 2, 3, 4]
    assert (course.worst, course.best) == ((0.2, 3.0), (0.6, 1.0))
    assert course.shares == pytest.approx((0.0, 0.5, 0.75, 0.75, 1.0))


def test_what_did_not_complete_or_breaks_a_constraint_is_not_in_it() -> None:
    trials = [
        trial(0, 0.2, 3.0),
        trial(1, 0.6, 2.0),
        trial(2, 0.9, 0.1, "pruned"),
        trial(3, 0.9, 9.0),
        trial(4, 0.4, 1.0),
    ]
    constraint = Constraint.model_validate("validation/loss <= 5")
    course = hypervolume_course(trials, BOTH, [constraint])
    assert course is not None
    assert [entry.number for entry in course.trials] == [0, 1, 4]
    assert course.best == (0.6, 1.0)


def test_without_two_different_trials_there_is_no_course() -> None:
    assert hypervolume_course([], BOTH) is None
    assert hypervolume_course([trial(0, 0.5, 1.0)], BOTH) is None
    assert hypervolume_course([trial(0, 0.5, 1.0), trial(1, 0.5, 2.0)], BOTH) is None


values: Any = st.floats(0, 1, allow_nan=False)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(values, values), min_size=2, max_size=30))
def test_the_course_rises_to_the_share_of_the_front(points: list[tuple[float, float]]) -> None:
    trials = [trial(number, *point) for number, point in enumerate(points)]
    course = hypervolume_course(trials, BOTH)
    if course is None:
        return
    assert all(before <= after + 1e-12 for before, after in zip(course.shares, course.shares[1:], strict=False))
    (low, loss_high), (high, loss_low) = course.worst, course.best
    front = [
        [(high - e.metrics["validation/robust"]) / (high - low),
         (e.metrics["validation/loss"] - loss_low) / (loss_high - loss_low)]
        for e in pareto_front(trials, BOTH)
    ]  # fmt: skip
    assert course.shares[-1] == pytest.approx(dominated_share(np.array(front)))
