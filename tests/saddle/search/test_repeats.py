"""All trials of a search share one seed, so no settings are trained twice."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saddle.search.distinct_settings import count_settings, draw_settings, planned_trials, values_of
from saddle.search.optuna_search import OptunaSearch
from saddle.search.rebuild import rebuild
from saddle.search.storage import open_journal
from saddle.study.models import Study
from saddle.study.values import canonical
from saddle.trial.outcome import Outcome
from saddle.trial.run_id import RunId
from saddle.trial.spec import TrialSpec
from saddle_contracts.trial_source import entry_of

FOUR = {"a": {"choice": [1, 2]}, "b": {"choice": ["x", "y"]}}
CONDITIONAL = {
    "schedule": {"choice": ["flat", "cyclic", "none"]},
    "cycles": {"int": [1, 4], "when": {"schedule": "cyclic"}},
}
SAMPLERS = [{"tpe": {"startup_trials": 2}}, "random", "gp", {"nsga2": {"population_size": 4}}, "qmc", "grid"]


def make_study(space: dict[str, Any], trials: int | None = 20, sampler: Any = "random") -> Study:
    return Study.model_validate(
        {
            "study": "s",
            "trainable": "parabola",
            "search": space,
            "objective": {"maximize": "validation/score"},
            "sampler": sampler,
            "budget": {} if trials is None else {"trials": trials},
        }
    )


def opened(path: Path, study: Study, finished: Any = None) -> OptunaSearch:
    storage = open_journal(path / "optuna.journal")
    return OptunaSearch(study, RunId("s"), storage, finished or {}, known=study.settings)


def run(source: OptunaSearch, most: int = 100) -> list[TrialSpec]:
    """Everything that the source proposes, each trial ended before the next."""
    specs = []
    while len(specs) < most and (spec := source.next()) is not None:
        specs.append(spec)
        source.finish(entry_of(spec, **{"validation/score": float(spec.settings.get("a", 0))}))
    return specs


def different(specs: list[TrialSpec]) -> set[str]:
    return {canonical(spec.settings) for spec in specs}


@pytest.mark.parametrize("sampler", SAMPLERS, ids=str)
def test_every_setting_is_trained_once_whichever_sampler_proposes(tmp_path: Path, sampler: Any) -> None:
    source = opened(tmp_path, make_study(FOUR, sampler=sampler))
    assert source.total == 4
    specs = run(source)
    assert len(specs) == len(different(specs)) == 4


def test_a_grid_with_conditions_has_no_point_twice(tmp_path: Path) -> None:
    study = make_study(CONDITIONAL, None, "grid")
    source = opened(tmp_path, study)
    assert (source.total, planned_trials(study)) == (6, 6)  # 12 points, of which 6 repeat others
    specs = run(source)
    assert len(specs) == len(different(specs)) == 6


def test_what_is_under_way_is_not_proposed_again(tmp_path: Path) -> None:
    source = opened(tmp_path, make_study(FOUR))
    assert len(different([spec for _ in range(4) if (spec := source.next()) is not None])) == 4
    assert source.next() is None


def test_a_search_of_floats_has_as_many_trials_as_its_budget_says(tmp_path: Path) -> None:
    study = make_study({"a": {"float": [0, 1]}, **CONDITIONAL}, 7)
    assert planned_trials(study) == 7
    assert len(different(run(opened(tmp_path, study)))) == 7
    assert planned_trials(make_study({"a": {"float": [0, 1]}}, None)) is None


@pytest.mark.parametrize("keep_journal", [True, False])
def test_a_search_that_goes_on_repeats_nothing(tmp_path: Path, keep_journal: bool) -> None:
    study = make_study({"a": {"int": [1, 8]}}, sampler={"tpe": {"startup_trials": 2}})
    first = opened(tmp_path, study)
    specs = run(first, 5)
    finished = {spec.key: entry_of(spec, **{"validation/score": 1.0 * spec.settings["a"]}) for spec in specs}
    again = tmp_path if keep_journal else tmp_path / "again"
    if not keep_journal:
        again.mkdir()
        rebuild(study, open_journal(again / "optuna.journal"), "s", finished.values(), {})
    specs += run(opened(again, study, finished))
    assert len(specs) == len(different(specs)) == 8
    assert len({spec.key for spec in specs}) == 8


def test_a_retry_trains_its_settings_once_more(tmp_path: Path) -> None:
    study = make_study(FOUR)
    source = opened(tmp_path, study)
    spec = source.next()
    assert spec is not None
    failed = entry_of(spec, Outcome.FAILED)
    source.finish(failed)
    again = opened(tmp_path, study, {failed.key: failed})
    again.retry([failed])
    assert again.total == 5
    specs = run(again)
    assert specs[0].settings == spec.settings
    assert len(specs) == len(different(specs)) == 4


def test_a_repeat_leaves_no_trace_in_the_search(tmp_path: Path) -> None:
    study = make_study(CONDITIONAL, None, {"grid": {"seed": 1}})
    source = opened(tmp_path, study)
    run(source)
    trials = source.optuna.get_trials(deepcopy=False)
    assert len(trials) > 6, "no point was proposed twice"
    assert sum("settings" in trial.user_attrs for trial in trials) == 6
    assert all("settings" in trial.user_attrs or trial.state.name == "FAIL" for trial in trials)


NAMES = ["a", "b", "c"]
SPACES = st.fixed_dictionaries(
    {
        "a": st.builds(lambda n: {"choice": list(range(n))}, st.integers(1, 3)),
        "b": st.builds(
            lambda n, when: {"int": [0, n], **({"when": {"a": when}} if when is not None else {})},
            st.integers(1, 3),
            st.none() | st.integers(0, 2),
        ),
        "c": st.builds(
            lambda n, on, value: {"choice": list(range(n)), **({"when": {on: value}} if on else {})},
            st.integers(1, 3),
            st.sampled_from(["", "a", "b", "fixed"]),
            st.integers(0, 2),
        ),
    }
)


@settings(max_examples=60, deadline=None)
@given(SPACES)
def test_settings_are_counted_as_a_list_of_all_of_them_has_them(space: dict[str, Any]) -> None:
    study = make_study(space)
    values, parameters, known = values_of(study), study.search, {"fixed": 1}
    assert parameters is not None
    every = set()
    for combination in itertools.product(*(values[name] or () for name in NAMES)):
        chosen: dict[str, Any] = {}
        for name, value in zip(NAMES, combination, strict=True):
            if parameters[name].active({**known, **chosen}):
                chosen[name] = value
        every.add(canonical(chosen))
    assert count_settings(parameters, values, known) == len(every)
    drawn = draw_settings(parameters, values, known, np.random.default_rng(0))
    assert canonical(drawn) in every


@pytest.mark.parametrize(
    "parameter", [{"float": [1e-4, 0.1], "log": True}, {"int": [0, 10**9]}, {"float": [0, 1], "step": 1e-6}]
)
def test_values_that_are_too_many_to_count_are_drawn_within_their_range(parameter: dict[str, Any]) -> None:
    study = make_study({"a": parameter})
    assert study.search is not None
    assert planned_trials(study) == 20
    generator = np.random.default_rng(0)
    drawn = [draw_settings(study.search, values_of(study), {}, generator)["a"] for _ in range(50)]
    low, high = study.search["a"].bounds
    assert all(low <= value <= high for value in drawn)
    assert len(set(drawn)) == 50
