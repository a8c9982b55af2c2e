"""Each name that Optuna keeps for itself is there and does what it is used for; a test's name says what breaks else."""

from __future__ import annotations

import optuna
import pytest
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState, create_trial

from saddle.search import optuna_internals as internals
from saddle.search.storage import without_warnings


@pytest.fixture
def storage() -> InMemoryStorage:
    return InMemoryStorage()


@pytest.fixture
def study(storage: InMemoryStorage) -> optuna.Study:
    return optuna.create_study(storage=storage, study_name="s", sampler=optuna.samplers.RandomSampler(0))


def test_a_trial_that_a_killed_driver_left_would_not_go_on(study: optuna.Study) -> None:
    study.ask()
    trial = internals.live_trial(study, study.get_trials()[0])
    trial.report(0.5, 1)
    study.tell(trial, 0.25)
    [told] = study.get_trials()
    assert (told.value, told.intermediate_values) == (0.25, {1: 0.5})


def test_a_database_that_answers_late_would_make_a_trial_twice(study: optuna.Study, storage: InMemoryStorage) -> None:
    ids = [internals.trial_id(study.ask()) for _ in range(3)]
    assert ids == sorted(set(ids)), "ids ascend, so that the newest trial is known"
    assert ids == [internals.trial_id(trial) for trial in study.get_trials()]
    found = [storage.get_trial_id_from_study_id_trial_number(internals.study_id(study), n) for n in range(3)]
    assert ids == found


def test_a_rebuilt_search_would_draw_as_if_trials_were_missing(study: optuna.Study, storage: InMemoryStorage) -> None:
    assert study.get_trials() == []
    study.ask()  # keeps a copy of the trials for its sampler
    internals.start_trial(study, storage, create_trial(state=TrialState.RUNNING))
    assert len(study._get_trials(deepcopy=False, use_cache=True)) == 2


@without_warnings()
def test_a_grid_would_end_at_its_last_point_and_one_of_an_older_saddle_would_start_again() -> None:
    sampler = internals.AskTellGrid({"x": [0.1, 0.3]}, seed=0)
    study = optuna.create_study(sampler=sampler)
    for _ in range(2):
        trial = study.ask()
        trial.suggest_float("x", 0, 1)
        study.tell(trial, 0.0)
    assert set(internals.GRID_NOTES) <= set(study.get_trials()[0].system_attrs)
    binary = internals.AskTellGrid({"x": [0.1, 0.1 + 2 * 0.1]}, seed=0)
    assert binary._all_grids != sampler._all_grids
    assert not binary._get_unvisited_grid_ids(study), "all points were visited, whatever their last digit"


@without_warnings()
def test_the_generations_of_a_rebuilt_search_would_name_other_trials() -> None:
    sampler = optuna.samplers.NSGAIISampler(population_size=2, seed=0)
    study = optuna.create_study(sampler=sampler, directions=["minimize", "minimize"])
    study.optimize(lambda trial: (trial.suggest_float("x", 0, 1), 1.0), n_trials=6)
    notes = study._storage.get_study_system_attrs(internals.study_id(study))
    ids = {internals.trial_id(trial) for trial in study.get_trials()}
    parents = [value for name, value in notes.items() if internals.PARENTS in name]
    assert parents
    assert {one for generation in parents for one in generation} <= ids
