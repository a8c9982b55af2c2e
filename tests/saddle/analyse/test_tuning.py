"""Ablations around a search's best: their seeds are others than the search's, and it is said whom its settings suit."""

from __future__ import annotations

from pathlib import Path

import pytest

from saddle.analyse.answer import answer_search
from saddle.analyse.tuning import TunedBy, tuning_cautions
from saddle.archive.studies import StoredStudy, read_study, settle_study
from saddle.design import make_arms
from saddle.errors import StudyChanged, StudyError
from saddle.execute.plan.baseline import find_baseline
from saddle.store.ledger.ledger import Ledger
from saddle.store.local import LocalStore
from saddle.store.run_files.plan_log import read_plans
from saddle.study.models import Study
from saddle.studyfile.loader import load_studies, parse_studies
from saddle.trial.run_id import RunId
from tests.support.declared import declare
from tests.support.records import make_record

SEARCH = """
study: search
trainable: parabola
fixed: {mode: curved}
search: {x: {float: [0.0, 1.0]}}
objective: {maximize: validation/score}
budget: {trials: 20}
"""
AROUND = """
study: around
trainable: parabola
ablation:
  baseline: {best_of: search, mode: plain}
  factors: {mode: [plain, curved]}
  compare: {metric: test/score}
"""


def around(seeds: str) -> Study:
    return parse_studies(f"{AROUND}  seeds: {seeds}\n", "around.yaml")[0]


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    """With a search that has found x = 0.7."""
    store = LocalStore(tmp_path)
    settle_study(store, parse_studies(SEARCH, "search.yaml")[0], None, fresh=False)
    won = make_record(
        "trial-00000", "search", 0, "completed", {}, {"x": 0.7}, {"validation/score": 1.0}, number=0, epochs=1
    )
    Ledger(store, RunId("search")).add(won)
    return store


def settle(store: LocalStore, seeds: str) -> StoredStudy:
    study = around(seeds)
    return settle_study(store, study, find_baseline(study, store), fresh=False)


def seeds_of(study: Study) -> list[int]:
    assert study.ablation is not None
    return study.ablation.seed_list


@pytest.mark.parametrize(("seeds", "planned"), [("3", [1, 2, 3]), ("[4, 7]", [4, 7])])
def test_seeds_around_the_best_of_a_search_are_none_of_the_searchs(seeds: str, planned: list[int]) -> None:
    assert seeds_of(around(seeds)) == planned


def test_declared_looks_begin_after_the_searchs_seed_too() -> None:
    study = around("{start: 3, at_most: 5}")
    assert seeds_of(study) == [1, 2, 3, 4, 5]
    assert study.ablation is not None
    assert study.ablation.looks == (3, 5)


def test_no_packaged_ablation_counts_its_searchs_winning_run_again() -> None:
    for name in ("quickstart", "mixed_perturbation/alpha0"):
        [found] = [study for study in load_studies(name) if study.ablation is not None and study.ablation.best_of][:1]
        assert seeds_of(found)[0] == 1


def test_the_seed_of_the_search_is_refused_where_it_is_listed() -> None:
    with pytest.raises(StudyError) as refused:
        around("[0, 1, 2]")
    assert "every trial of a search is trained with seed 0" in str(refused.value)
    assert "write how many: seeds: 3" in str(refused.value)


def test_a_storage_from_before_goes_on_with_the_seeds_that_it_has(store: LocalStore) -> None:
    settle(store, "3")
    store.delete("studies/around/plans")  # as earlier saddles left it, which counted from 0
    stored = read_study(store, "around")
    assert stored is not None
    assert seeds_of(stored.study) == [0, 1, 2]
    assert seeds_of(settle(store, "3").study) == [0, 1, 2]
    assert seeds_of(settle(store, "5").study) == [0, 1, 2, 3, 4]
    assert [plan.seeds for plan in read_plans(store, RunId("around"))] == [(0, 1, 2), (0, 1, 2, 3, 4)]
    with pytest.raises(StudyChanged):
        settle(store, "[1, 2, 3]")
    [first, *_] = cautions_of(stored)
    assert "Seed 0 is that of every trial of search" in first


def test_a_new_one_goes_on_with_its_own(store: LocalStore) -> None:
    assert seeds_of(settle(store, "3").study) == [1, 2, 3]
    assert seeds_of(settle(store, "4").study) == [1, 2, 3, 4]
    stored = read_study(store, "around")
    assert stored is not None
    assert seeds_of(stored.study) == [1, 2, 3, 4]
    assert not any("Seed 0" in caution for caution in cautions_of(stored))


def cautions_of(stored: StoredStudy) -> list[str]:
    return list(tuning_cautions(stored.study, stored.arms, stored.tuned))


def test_it_is_said_for_which_arm_the_settings_were_tuned(store: LocalStore) -> None:
    [caution] = cautions_of(settle(store, "3"))
    assert caution == (
        "x was tuned by search for curved (mode = curved), so a comparison favours it; plain has them untuned."
    )


def test_without_the_search_it_is_said_that_they_were_tuned(store: LocalStore) -> None:
    settle(store, "3")
    store.delete("studies/search")
    stored = read_study(store, "around")
    assert stored is not None
    assert cautions_of(stored) == [
        "The settings are those of the best trial of search, so they were tuned for what that search trained."
    ]


@pytest.mark.parametrize("damage", [b"", b"study: [", AROUND.replace("best_of: search", "best_of: around").encode()])
def test_a_search_that_is_damaged_or_none_keeps_nobody_from_its_ablation(store: LocalStore, damage: bytes) -> None:
    settle(store, "3")
    store.write("studies/search/study.yaml", damage)
    stored = read_study(store, "around")
    assert stored is not None
    assert (stored.tuned, seeds_of(stored.study)) == (None, [1, 2, 3])


def test_where_no_arm_is_what_the_search_trained_none_is_called_tuned() -> None:
    study = around("3")
    assert study.ablation is not None
    arms = make_arms(study.ablation, {"x": 0.7, "mode": "plain"})
    [caution] = tuning_cautions(study, arms, TunedBy("search", ("x",), {"mode": "bent"}))
    assert "for what that search trained, which is not one of these arms (it trained with mode = bent)" in caution


def test_a_factor_that_the_search_chose_is_tuned_at_the_level_that_it_found() -> None:
    study = Study.model_validate(
        {"study": "a", "trainable": "t", "ablation": {"best_of": "search", "factors": {"x": [0.7, 0.9]}}}
    )
    assert study.ablation is not None
    arms = make_arms(study.ablation, {"x": 0.7})
    [caution] = tuning_cautions(study, arms, TunedBy("search", ("x",), {}))
    assert "tuned by search for x=0.7, so a comparison favours it; x=0.9 has them untuned" in caution


def test_an_ablation_around_nothing_says_nothing() -> None:
    study = Study.model_validate({"study": "a", "trainable": "t", "ablation": {"factors": {"x": [0.7, 0.9]}}})
    assert study.ablation is not None
    assert not list(tuning_cautions(study, make_arms(study.ablation, {"x": 0.7}), None))


def test_a_front_flatters_itself_like_a_best_trial() -> None:
    """With several objectives there was no caution at all."""
    objectives = {"objective": [{"maximize": "validation/a"}, {"maximize": "validation/b"}]}
    study = Study.model_validate(
        {"study": "s", "trainable": "t", "search": {"x": {"float": [0.0, 1.0]}}, "budget": {"trials": 3}, **objectives}
    )
    trials = [
        make_record(
            str(number), "s", 0, "completed", {}, {"x": 0.1}, {"validation/a": a, "validation/b": -a}, number=number
        )
        for number, a in enumerate((0.1, 0.2, 0.3))
    ]
    declared = declare({"validation/a": "maximize", "validation/b": "maximize"})
    found = answer_search(study, trials, declared).warnings
    assert any("The front of 3 completed trials, each with one seed, looks better on" in warning for warning in found)
    assert not any("looks better on" in warning for warning in answer_search(study, trials[:1], declared).warnings)
