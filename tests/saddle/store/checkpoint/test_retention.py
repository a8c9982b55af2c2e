"""Which checkpoints stay by a study's policy, and the record of those that went."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from saddle.store.checkpoint.checkpoints import Checkpoints
from saddle.store.checkpoint.retention import GIGABYTE, describe_removal, plan_retention, remove, removed
from saddle.store.local import LocalStore
from saddle.study.models import KeptCheckpoints
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import RunId
from tests.support.records import make_record

SCORES = {"a": [0.1, 0.9, 0.3, 0.2], "b": [0.1, 0.2, 0.3, 0.8], "c": [0.7, 0.3, 0.2, 0.1], "d": [0.6, 0.1, 0.1, 0.1]}
"""Best first; what stays of `a` are epochs 2 (selected), 3 (one before the last) and 4 (last), of `b` 3 and 4."""

SIZE = 1000


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path)


@pytest.fixture
def ranked(store: LocalStore) -> list[TrialRecord]:
    return [trained(store, key, scores) for key, scores in SCORES.items()]


def trained(store: LocalStore, key: str, scores: list[float]) -> TrialRecord:
    checkpoints = Checkpoints.of_trial(store, RunId("s"), key)
    for epoch, score in enumerate(scores, start=1):
        best = score == max(scores[:epoch])
        checkpoints.save(epoch, {"epoch": epoch}, {"validation/score": score}, 1.0, best)
    for saved in checkpoints.manifest.saved:
        store.write(saved.path, b"x" * SIZE)  # all of one size, so that limits are plain
    best_one, last = checkpoints.manifest.best, checkpoints.manifest.last
    assert best_one is not None
    assert last is not None
    return make_record(key, "s", 0, "completed", {}, {}, {}, checkpoints={"best": best_one.path, "last": last.path})


def kept(store: LocalStore) -> dict[str, list[int]]:
    return {
        key: [int(name[6:11]) for name in store.names(f"studies/s/trials/{key}/checkpoints") if name.endswith(".pt")]
        for key in store.names("studies/s/trials")
    }


def apply(store: LocalStore, ranked: list[TrialRecord], cited: Any = (), **policy: Any) -> dict[str, list[int]]:
    remove(store, RunId("s"), plan_retention(store, RunId("s"), KeptCheckpoints(**policy), ranked, cited).removals)
    return kept(store)


def test_without_a_limit_everything_stays(store: LocalStore, ranked: list[TrialRecord]) -> None:
    before = kept(store)
    assert before == {"a": [2, 3, 4], "b": [3, 4], "c": [1, 3, 4], "d": [1, 3, 4]}
    assert apply(store, ranked) == before
    assert removed(store, RunId("s")) == {}


def test_the_best_trials_keep_their_selected_and_last_checkpoints(store: LocalStore, ranked: list[TrialRecord]) -> None:
    assert apply(store, ranked, best=2) == {"a": [2, 4], "b": [4], "c": [], "d": []}


def test_last_ones_can_be_given_up(store: LocalStore, ranked: list[TrialRecord]) -> None:
    assert apply(store, ranked, last=False) == {"a": [2], "b": [4], "c": [1], "d": [1]}


def test_what_is_cited_stays(store: LocalStore, ranked: list[TrialRecord]) -> None:
    assert apply(store, ranked, {"d"}, best=1) == {"a": [2, 4], "b": [], "c": [], "d": [1, 4]}


def test_a_trial_under_way_is_never_touched(store: LocalStore, ranked: list[TrialRecord]) -> None:
    assert apply(store, ranked[:3], best=1)["d"] == [1, 3, 4]


def test_a_byte_limit_takes_last_ones_first_and_the_worst_first(store: LocalStore, ranked: list[TrialRecord]) -> None:
    full = plan_retention(store, RunId("s"), KeptCheckpoints(gigabytes=1.0), ranked, ())
    assert full.kept_bytes == 7 * SIZE
    assert full.bytes == 4 * SIZE, "only what was kept for resuming"
    assert apply(store, ranked, gigabytes=5.5 * SIZE / GIGABYTE) == {"a": [2, 4], "b": [4], "c": [1], "d": [1]}
    assert apply(store, ranked, gigabytes=2.5 * SIZE / GIGABYTE) == {"a": [2], "b": [4], "c": [], "d": []}


def test_a_byte_limit_never_takes_what_is_cited_and_says_by_how_much_it_is_exceeded(
    store: LocalStore, ranked: list[TrialRecord]
) -> None:
    plan = plan_retention(store, RunId("s"), KeptCheckpoints(gigabytes=0.5 * SIZE / GIGABYTE), ranked, {"a", "c"})
    remove(store, RunId("s"), plan.removals)
    assert kept(store) == {"a": [2], "b": [], "c": [1], "d": []}
    assert (plan.kept_bytes, plan.over) == (2 * SIZE, SIZE + SIZE // 2)


def test_what_was_removed_is_recorded_with_its_reason(store: LocalStore, ranked: list[TrialRecord]) -> None:
    apply(store, ranked, best=3)
    apply(store, ranked, best=2)
    record = removed(store, RunId("s"))
    assert {ranked[2].checkpoints["best"], ranked[3].checkpoints["best"]} <= set(record), "of both times"
    why = describe_removal(store, RunId("s"), ranked[2].checkpoints["best"])
    assert why is not None
    assert why.startswith("it was removed on 20")
    assert "not among the best 2" in why
    assert describe_removal(store, RunId("s"), ranked[0].checkpoints["best"]) is None
    assert plan_retention(store, RunId("s"), KeptCheckpoints(best=2), ranked, ()).removals == (), (
        "nothing is left to do"
    )
