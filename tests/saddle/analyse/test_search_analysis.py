"""Importance and Pareto fronts."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saddle.analyse.searches.importance import importance
from saddle.analyse.searches.pareto import pareto_front
from saddle.analyse.statistics.power import (
    detectable_effect,
    limits,
    power,
    seeds_for_permutation,
    seeds_needed,
    smallest_permutation_p,
)
from saddle.study.models import Study
from saddle.trial.record import TrialRecord
from tests.support.records import make_record
from trainables.contract import complete_metric

STUDY = Study.model_validate(
    {
        "study": "s",
        "trainable": "t",
        "search": {
            "lr": {"float": [1e-4, 1e-1], "log": True},
            "idle": {"float": [0, 1]},
            "schedule": {"choice": ["flat", ["a", "b"], {"name": "cyclic"}]},
            "warm_up": {"int": [0, 4], "when": {"schedule": "flat"}},
            "single": {"choice": ["only"]},
        },
    }
)
UP, DOWN = complete_metric("validation/a", "maximize"), complete_metric("validation/b", "minimize")


def trials(count: int, seed: int = 0, outcome: str = "completed") -> list[TrialRecord]:
    draw = np.random.default_rng(seed)
    found = []
    for number in range(count):
        settings: dict[str, Any] = {
            "lr": float(10 ** draw.uniform(-4, -1)),
            "idle": float(draw.uniform()),
            "schedule": [["a", "b"], "flat", {"name": "cyclic"}][number % 3],
            "single": "only",
        }
        if settings["schedule"] == "flat":
            settings["warm_up"] = int(draw.integers(0, 5))
        value = -((math.log10(settings["lr"]) + 2) ** 2) + 0.05 * draw.normal()
        found.append(make_record(str(number), "s", 0, outcome, {}, settings, {"validation/a": value}, number=number))
    return found


@pytest.mark.parametrize("seed", range(4))
def test_the_parameter_that_matters_leads_and_shares_add_up(seed: int) -> None:
    found = importance(STUDY, trials(40, seed), UP)
    assert set(found.values) == {"lr", "idle", "schedule", "warm_up"}
    assert next(iter(found.values)) == "lr"
    assert found.values["lr"] > 0.5
    assert sum(found.values.values()) == pytest.approx(1)
    assert not found.rough


def test_importance_says_why_there_is_none() -> None:
    few = importance(STUDY, trials(4), UP)
    assert (dict(few.values), few.reason) == ({}, "4 trials to compare; importance needs at least 5")
    assert importance(STUDY, trials(30, outcome="failed"), UP).trials == 0
    same = [make_record(str(i), "s", 0, "completed", {}, {"lr": 0.01}, {"validation/a": i}, number=i) for i in range(9)]
    assert importance(STUDY, same, UP).reason == "no parameter varied among the trials"


def test_importance_leaves_out_what_does_not_fit_and_survives_equal_values() -> None:
    odd = trials(12)
    odd[0].settings["lr"] = 7.0  # type: ignore[index]  # outside the range, from an earlier form of the study
    odd[1].metrics["validation/a"] = math.nan  # type: ignore[index]
    assert importance(STUDY, odd, UP).trials == 10
    for entry in odd:
        entry.metrics["validation/a"] = 0.5  # type: ignore[index]
    assert importance(STUDY, odd, UP).reason == "all trials are equally good"


POINTS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=12)


@settings(deadline=None)
@given(POINTS)
def test_the_front_is_exactly_what_no_other_trial_betters(points: list[tuple[int, int]]) -> None:
    entries = [
        make_record(str(i), "s", 0, "completed", {}, {}, {"validation/a": a, "validation/b": b}, number=i)
        for i, (a, b) in enumerate(points)
    ]
    front = pareto_front(entries, [UP, DOWN])

    def beats(one: TrialRecord, other: TrialRecord) -> bool:
        (a, b), (c, d) = points[int(one.key)], points[int(other.key)]
        return a >= c and b <= d and (a, b) != (c, d)

    assert not any(beats(one, other) for one, other in itertools.permutations(front, 2))
    kept = {entry.key for entry in front}
    assert all(any(beats(one, entry) for one in front) for entry in entries if entry.key not in kept)
    assert [e.metrics["validation/a"] for e in front] == sorted(
        (e.metrics["validation/a"] for e in front), reverse=True
    )


def test_the_front_has_only_completed_trials_with_every_value() -> None:
    whole = {"validation/a": 0.5, "validation/b": 0.5}
    entries = [
        make_record("0", "s", 0, "completed", {}, {}, whole, number=0),
        make_record("1", "s", 0, "pruned", {}, {}, {"validation/a": 0.9, "validation/b": 0.1}, number=1),
        make_record("2", "s", 0, "completed", {}, {}, {"validation/a": 0.9}, number=2),
        make_record("3", "s", 0, "completed", {}, {}, {"validation/a": 0.9, "validation/b": math.nan}, number=3),
    ]
    assert pareto_front(entries, [UP, DOWN]) == [entries[0]]
    assert pareto_front([], [UP, DOWN]) == []


def test_what_seeds_can_reach() -> None:
    assert [smallest_permutation_p(n) for n in (3, 5, 6, 8)] == [0.25, 0.0625, 0.03125, 0.0078125]
    assert (seeds_for_permutation(0.05), seeds_for_permutation(0.01), seeds_for_permutation(0.5)) == (6, 8, 2)
    assert power(0, 1, 8) == pytest.approx(0.05, abs=1e-6)
    # G*Power and statsmodels: a paired t test with n = 8, alpha = 0.05 and power = 0.8 detects d = 1.156;
    # d = 0.5 takes 34 pairs.
    assert detectable_effect(1, 8) == pytest.approx(1.1560, abs=1e-4)
    assert detectable_effect(0.02, 8) == pytest.approx(0.02 * detectable_effect(1, 8))
    assert seeds_needed(0.5, 1) == 34
    assert detectable_effect(1, 8, comparisons=4) > detectable_effect(1, 8)
    assert detectable_effect(1, 2) == math.inf
    assert seeds_needed(0.001, 1, most=50) is None
    assert math.isfinite(detectable_effect(1, 3, comparisons=50))


def test_plan_says_what_cannot_be_reached() -> None:
    assert limits(2, 1) == ["With 2 seeds every verdict stays unsettled; at least 3 are needed."]
    (permutation, _) = limits(5, 3)
    assert "can't go below p = 0.0625" in permutation
    assert "6 seeds could" in permutation
    assert limits(12, 1) == []
