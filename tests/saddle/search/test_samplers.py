from __future__ import annotations

import pytest

from saddle.search.distinct_settings import grid_size, grid_values
from saddle.search.sampler_notes import notes
from saddle.search.samplers import continued_seed
from saddle.study.models import Grid
from saddle.study.space import Parameter


@pytest.mark.parametrize(
    ("parameter", "values"),
    [
        ({"choice": ["a", "b"]}, ["a", "b"]),
        ({"int": [1, 4]}, [1, 2, 3, 4]),
        ({"int": [0, 100]}, [0, 25, 50, 75, 100]),
        ({"float": [0, 1], "step": 0.5}, [0, 0.5, 1]),
        ({"float": [0, 1]}, [0, 0.25, 0.5, 0.75, 1]),
    ],
)
def test_the_values_of_a_grid(parameter: dict[str, object], values: list[object]) -> None:
    assert grid_values(Parameter.model_validate(parameter), 5) == values


def test_a_log_range_is_spread_over_its_logarithm_and_keeps_its_ends_exactly() -> None:
    values = grid_values(Parameter.model_validate({"float": [1e-4, 1e-1], "log": True}), 4)
    assert values == [1e-4, pytest.approx(1e-3), pytest.approx(1e-2), 1e-1]


def test_the_size_of_a_grid_is_the_product() -> None:
    space = {"a": Parameter.model_validate({"choice": [1, 2, 3]}), "b": Parameter.model_validate({"int": [0, 1]})}
    assert grid_size(space, Grid()) == 6


def test_what_a_sampler_cannot_learn_is_said() -> None:
    assert notes("tpe", constrained=True) == []
    assert len(notes("random", constrained=True)) == 2
    assert "does not learn from collapsed" in notes("gp", constrained=True)[0]


def test_a_fresh_search_uses_the_seed_it_was_given_and_a_continued_one_another() -> None:
    assert continued_seed(5, 0) == 5
    assert len({continued_seed(5, asked) for asked in range(100)}) == 100
