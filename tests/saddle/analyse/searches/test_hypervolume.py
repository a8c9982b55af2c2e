"""The course of the hypervolume: exact, never falling, one where a trial is best in everything."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saddle.analyse.searches.hypervolume import dominated_share, hypervolume_course
from saddle.analyse.searches.pareto import pareto_front
from saddle.study.models import Constraint, Objective
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
    assert (course.reference, course.best) == ((0.3, 2.5), (0.6, 1.0)), "the third quartiles"
    assert course.shares == pytest.approx((0.0, 1 / 3, 5 / 9, 5 / 9, 1.0))


def test_a_single_bad_trial_moves_no_share() -> None:
    """Six trials, then a seventh that is far worse than all: the shares of the six stay what they were, nearly."""
    good = [trial(place, 0.3 + 0.05 * place, 2.0 - 0.2 * place * (-1) ** place) for place in range(12)]
    before, after = hypervolume_course(good, BOTH), hypervolume_course([*good, trial(12, -100.0, 1e6)], BOTH)
    assert before is not None
    assert after is not None
    assert after.shares[:12] == pytest.approx(before.shares, abs=0.1)
    assert after.shares[-1] < 1.0, "with the worst trial as reference it would be 1 but for a millionth"


def test_a_declared_reference_counts_and_then_a_bound_of_the_metric() -> None:
    trials = [trial(0, 0.2, 3.0), trial(1, 0.6, 2.0), trial(2, 0.4, 1.0)]
    declared = hypervolume_course(trials, BOTH, declared=[0.1, None])
    assert declared is not None
    assert declared.reference == (0.1, 2.5)
    bounded = [replace(BOTH[0], low=0.0), replace(BOTH[1], high=10.0)]
    course = hypervolume_course(trials, bounded)
    assert course is not None
    assert course.reference == (0.0, 10.0)
    both = hypervolume_course(trials, bounded, declared=[0.5, 4.0])
    assert both is not None
    assert both.reference == (0.5, 4.0)
    assert hypervolume_course(trials, BOTH, declared=[0.9, 4.0]) is None, "no trial betters it"


def test_a_reference_is_declared_with_its_objective() -> None:
    objective = Objective.model_validate({"maximize": "validation/score", "reference": 0.25})
    assert (objective.metric, objective.reference) == ("validation/score", 0.25)


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
    (low, loss_high), (high, loss_low) = course.reference, course.best
    front = [
        [(high - e.metrics["validation/robust"]) / (high - low),
         (e.metrics["validation/loss"] - loss_low) / (loss_high - loss_low)]
        for e in pareto_front(trials, BOTH)
    ]  # fmt: skip
    inside = [point for point in front if max(point) < 1]
    assert course.shares[-1] == pytest.approx(dominated_share(np.array(inside)) if inside else 0.0)
