"""The log of plans: each plan of a run stays, in a folder or a bucket, and tells whether seeds came after a look."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from saddle.archive.studies import read_study, settle_study
from saddle.errors import StorageError, StudyChanged, TakenOver
from saddle.store.base import Store
from saddle.store.ledger.ledger import Ledger
from saddle.store.local import LocalStore
from saddle.store.open import open_store
from saddle.store.ownership.fence import take_fence
from saddle.store.run_files.plan_log import plan_path, read_plans, record_plan
from saddle.study.history import PlanHistory, SeedPlan
from saddle.study.models import Study
from saddle.studyfile.loader import parse_studies
from saddle.trial.run_id import RunId
from tests.support.records import make_record

RUN = RunId("s")
STUDY = """
study: s
trainable: parabola
ablation: {{baseline: {{x: 0.3}}, factors: {{x: [0.3, 0.5]}}, seeds: {seeds}, compare: {{metric: test/score}}}}
"""
BASELINE = {"x": 0.3}


@pytest.fixture(params=["local", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "local":
        return LocalStore(tmp_path / "runs")
    request.getfixturevalue("s3").bucket("bucket")
    return open_store("s3://bucket/runs")


def study_of(seeds: str) -> Study:
    return parse_studies(STUDY.format(seeds=seeds), "s.yaml")[0]


def settle(store: Store, seeds: str, *, fresh: bool = False) -> PlanHistory:
    return settle_study(store, study_of(seeds), BASELINE, fresh=fresh).history


def end_trials(store: Store, count: int) -> None:
    for seed in range(count):
        Ledger(store, RUN).add(make_record(f"k{seed}", "s", seed, "completed", {}, {}, {"test/score": 0.5}, arm="a"))


def stored_plans(store: Store) -> list[tuple[tuple[int, ...], tuple[int, ...], int]]:
    return [(plan.seeds, plan.looks, plan.finished) for plan in read_plans(store, RUN)]


THREE, FOUR = (0, 1, 2), (0, 1, 2, 3)


def test_every_plan_is_kept_and_an_unchanged_one_adds_none(store: Store) -> None:
    assert not settle(store, "3").is_extended
    first = store.read(plan_path(RUN, 1))
    settle(store, "3")
    assert stored_plans(store) == [(THREE, (3,), 0)]
    end_trials(store, 6)
    assert settle(store, "4").is_extended
    settle(store, "[0, 1, 2, 3]")
    assert stored_plans(store) == [(THREE, (3,), 0), (FOUR, (4,), 6)]
    assert store.read(plan_path(RUN, 1)) == first, "no plan takes the place of another"
    stored = read_study(store, "s")
    assert stored is not None
    assert stored.history.is_extended
    assert stored.results([]).spec.any_time


def test_looks_that_are_declared_later_are_an_extension_too(store: Store) -> None:
    settle(store, "3")
    end_trials(store, 2)
    assert settle(store, "{start: 3, at_most: 8}").is_extended
    assert stored_plans(store)[1][1] == (3, 6, 8)


def test_seeds_added_before_anything_could_be_seen_are_none(store: Store) -> None:
    settle(store, "3")
    assert not settle(store, "8").is_extended
    assert len(read_plans(store, RUN)) == 2


def test_fewer_seeds_than_can_claim_anything_are_no_look(store: Store) -> None:
    settle(store, "2")
    end_trials(store, 4)
    assert not settle(store, "3").is_extended
    assert settle(store, "4").is_extended


def test_a_storage_without_a_log_opens_and_its_study_is_the_first_plan(store: Store) -> None:
    settle(store, "3")
    end_trials(store, 6)
    store.delete("studies/s/plans")
    stored = read_study(store, "s")
    assert stored is not None
    assert [plan.seeds for plan in stored.history.plans] == [THREE]
    assert not stored.history.is_extended
    assert settle(store, "4").is_extended
    assert stored_plans(store) == [(THREE, (3,), 0), (FOUR, (4,), 6)]


def test_seeds_in_another_order_or_left_out_are_refused(store: Store) -> None:
    settle(store, "3")
    for seeds, right in (("[2, 1, 0]", "[0, 1, 2]"), ("[0, 2, 5]", "[0, 1, 2, 5]")):
        with pytest.raises(StudyChanged) as refused:
            settle(store, seeds)
        assert f"[0, 1, 2] → {seeds}" in str(refused.value)
        assert f"write seeds: {right}" in str(refused.value)
    assert len(read_plans(store, RUN)) == 1


def test_another_run_of_the_study_has_a_log_of_its_own(store: Store) -> None:
    settle(store, "3")
    end_trials(store, 2)
    assert settle(store, "5", fresh=True).plans[0].seeds == (0, 1, 2, 3, 4)
    assert len(read_plans(store, RUN)) == 1
    [aside] = [name for name in store.names("studies") if "@" in name]
    old = read_study(store, aside)
    assert old is not None
    assert [plan.seeds for plan in old.history.plans] == [THREE]


def test_a_driver_that_was_taken_over_writes_no_plan(store: Store) -> None:
    settle(store, "3")
    stale = take_fence(store, RUN)
    take_fence(store, RUN)
    with pytest.raises(TakenOver):
        record_plan(store, RUN, PlanHistory(tuple(read_plans(store, RUN))), study_of("5"), finished=1, lock=stale)
    assert len(read_plans(store, RUN)) == 1


def test_a_damaged_plan_is_named(store: Store) -> None:
    settle(store, "3")
    facts = json.loads(store.read(plan_path(RUN, 1)))
    for rubbish in (b"", b"[]", b'{"version": 1}', json.dumps({**facts, "version": 99}).encode()):
        store.write(plan_path(RUN, 1), rubbish)
        with pytest.raises(StorageError, match=r"0001\.json is damaged"):
            read_study(store, "s")


def test_a_search_keeps_none(store: Store) -> None:
    text = "study: s\ntrainable: parabola\nsearch: {x: {float: [0.0, 1.0]}}\nobjective: {maximize: validation/score}\n"
    [search] = parse_studies(text + "budget: {trials: 20}\n", "s.yaml")
    assert settle_study(store, search, None, fresh=False).history == PlanHistory()
    assert read_plans(store, RUN) == []


def test_a_history_is_extended_only_by_another_plan() -> None:
    plan = SeedPlan(THREE, (3,), finished=0)
    again = SeedPlan(THREE, (3,), when=5.0, finished=9)
    assert not PlanHistory((plan, again)).is_extended
