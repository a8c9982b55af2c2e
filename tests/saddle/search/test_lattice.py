"""Grids and lattices hold the numbers that a person would write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saddle.search.distinct_settings import grid_values
from saddle.search.lattice import evenly, nearest_step, steps
from saddle.search.samplers import AskTellGrid
from saddle.study.space import Parameter


def test_a_float_grid_gives_decimals() -> None:
    tenths = Parameter(float_range=(0.1, 0.7), step=0.1)
    assert grid_values(tenths, 5) == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
    assert grid_values(Parameter(float_range=(0.1, 0.5)), 5) == [0.1, 0.2, 0.3, 0.4, 0.5]
    assert grid_values(Parameter(float_range=(1e-4, 0.1), log=True), 4) == [1e-4, 1e-3, 1e-2, 0.1]


@given(st.integers(-500, 500), st.integers(1, 200), st.integers(1, 60), st.sampled_from([1, 10, 100, 1000]))
def test_steps_are_the_decimals_of_whole_multiples(low: int, step: int, count: int, unit: int) -> None:
    expected = [(low + index * step) / unit for index in range(count + 1)]
    assert steps(low / unit, (low + count * step) / unit, step / unit) == expected


@given(st.integers(1, 500), st.integers(2, 40))
def test_points_lie_evenly_between_the_ends(low: int, points: int) -> None:
    found = evenly(low / 100, low / 100 + 1, points)
    assert found == sorted(set(found))
    assert len(found) == points
    ratios = evenly(low / 100, low, points, log=True)
    assert ratios == sorted(set(ratios))
    assert len(ratios) == points
    assert (ratios[0], ratios[-1]) == (low / 100, low)


def test_a_step_of_a_fraction_reaches_the_end() -> None:
    assert len(steps(1 / 255, 8 / 255, 1 / 255)) == 8
    assert steps(1 / 255, 8 / 255, 1 / 255)[-1] == 8 / 255


def test_a_value_that_optuna_drew_is_written_as_its_decimal() -> None:
    assert nearest_step(0.1 + 2 * 0.1, 0.1, 0.1) == 0.3


@pytest.mark.parametrize("value", [0.30000000000000004, 0.3])
def test_a_stored_grid_of_rounding_errors_is_the_same_grid(value: float) -> None:
    grid = AskTellGrid({"lr": [0.1, 0.3]}, seed=0)
    assert grid._same_search_space({"lr": [0.1, value]})
    assert not grid._same_search_space({"lr": [0.1, 0.31]})
