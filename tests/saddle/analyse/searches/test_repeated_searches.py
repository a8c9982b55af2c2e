"""Searches that were repeated with other seeds of their sampler: found by their files, and what their fronts reach."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from saddle.analyse.searches.repeated_searches import identity_of, repeated_searches
from saddle.analyse.study_comparison import StudyView, compare_studies, view_of
from saddle.report.comparison_sections.repeated_searches import attainment_figure, markdown, page
from saddle.report.drawing.canvas import LazyFigure
from saddle.study.models import Study
from saddle.trial.record import TrialRecord
from tests.support.declared import declare
from tests.support.records import make_record
from tests.support.results import results_of

CLEAN, ROBUST = "clean_accuracy", "robust_accuracy.worst_case"
DECLARED = declare(
    {f"{split}/{name}": "maximize" for split in ("validation", "test") for name in (CLEAN, ROBUST)},
    f"validation/{ROBUST}",
)
Point = tuple[float, float]
FRONTS: list[list[Point]] = [[(0.9, 0.2), (0.8, 0.4)], [(0.85, 0.3), (0.7, 0.5)], [(0.95, 0.1), (0.75, 0.45)]]


def search(seed: int = 0, **more: Any) -> Study:
    given = {
        "study": f"front-{seed}", "trainable": "t", "search": {"lr": {"float": [0.1, 1.0]}}, "budget": {"trials": 8},
        "objective": [{"maximize": f"validation/{CLEAN}", "reference": 0.5},
                      {"maximize": f"validation/{ROBUST}", "reference": 0.0}],
        "sampler": {"nsga2": {"population_size": 4, "seed": seed}}, **more,
    }  # fmt: skip
    return Study.model_validate(given)


def view(seed: int, front: Sequence[Point], *, tested: bool = True, **more: Any) -> StudyView:
    """A search whose front on validation is `front`; its test has 0.1 less, and a dominated trial stands beside."""
    study = search(seed, **more)
    points = [*front, (0.5, 0.05)]
    records: list[TrialRecord] = [
        make_record(
            f"{number:05d}", study.study, 0, "completed", {"lr": 0.2}, {},
            {f"validation/{CLEAN}": clean, f"validation/{ROBUST}": robust,
             **({f"test/{CLEAN}": clean - 0.1, f"test/{ROBUST}": robust - 0.05} if tested else {})},
            number=number, started=float(number), ended=number + 1.0,
        )
        for number, (clean, robust) in enumerate(points)
    ]  # fmt: skip
    return view_of(results_of(study, DECLARED, records))


def views(**more: Any) -> list[StudyView]:
    return [view(seed, front, **more) for seed, front in enumerate(FRONTS)]


def test_the_samplers_seed_and_the_name_are_no_difference_and_all_else_is() -> None:
    assert identity_of(search(0)) == identity_of(search(7))
    for other in (
        {"sampler": {"random": {"seed": 0}}},
        {"sampler": {"nsga2": {"population_size": 6, "seed": 0}}},
        {"budget": {"trials": 9}},
        {"fixed": {"epochs": 3}},
        {"search": {"lr": {"float": [0.1, 2.0]}}},
    ):
        assert identity_of(search(0)) != identity_of(search(0, **other)), other


def test_the_fronts_are_those_of_validation_with_their_values_on_test() -> None:
    [group] = repeated_searches(views())
    assert [one.name for one in group.metrics] == [f"test/{CLEAN}", f"test/{ROBUST}"]
    assert [len(points) for points in group.points] == [2, 2, 2], "without the trial that others dominate"
    assert np.allclose(group.points[0], [[0.8, 0.15], [0.7, 0.35]])
    [untested] = repeated_searches(views(tested=False))
    assert [one.name for one in untested.metrics] == [f"validation/{CLEAN}", f"validation/{ROBUST}"]


def test_what_each_search_dominates_by_hand() -> None:
    """The box is from (0.5, 0) to the best of all, (0.85, 0.45), on test."""
    [group] = repeated_searches(views())
    first = 0.2 * 0.35 + 0.1 * 0.15  # up to clean 0.7, then up to 0.8
    assert group.shares[0] == pytest.approx(first / (0.35 * 0.45))


def test_two_searches_and_searches_that_differ_are_no_repetitions() -> None:
    assert not repeated_searches(views()[:2])
    assert not repeated_searches([*views()[:2], view(2, FRONTS[2], budget={"trials": 99})])
    mixed = [*views(), *(view(seed, FRONTS[0], fixed={"epochs": 3}) for seed in range(3))]
    assert len(repeated_searches(mixed)) == 2


def test_the_comparison_has_a_table_and_the_surfaces() -> None:
    comparison = compare_studies(views())
    [table] = markdown(comparison)
    assert [row[0] for row in table.rows] == ["front-0", "front-1", "front-2", "mean ± sd of 3"]
    assert [row[1] for row in table.rows[:3]] == ["2", "2", "2"]
    figures, same = page(comparison)
    [figure] = figures.figures
    assert isinstance(figure, LazyFigure)
    assert same == table
    assert "at least so many of 3 searches reach on test data" in figure.caption
    [group] = repeated_searches(views())
    assert "every one of 3 searches" in attainment_figure(group).svg
    assert not markdown(compare_studies(views()[:2]))
