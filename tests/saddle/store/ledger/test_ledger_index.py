"""The ledger's index: read instead of the files it stands for, and never where they say otherwise."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from saddle.store.base import Store
from saddle.store.ledger import ledger_index
from saddle.store.ledger.ledger import Ledger, encode
from saddle.store.ledger.ledger_index import index_folder
from saddle.store.local import LocalStore
from saddle.store.open import open_store
from saddle.trial.lazy_json import JsonList
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import RunId
from tests.support.records import changed, make_record
from tests.support.s3 import S3


def entry(number: int, **changes: Any) -> TrialRecord:
    made = make_record(
        key=f"trial-{number:05d}",
        study="s",
        seed=0,
        outcome="completed",
        params={"lr": number / 7, "tasks": ["a"]},
        settings={"lr": number / 7},
        metrics={"validation/a": number / 3},
        number=number,
        curve=[{"validation/a": number / 3 - 1}, {"validation/a": number / 3}],
        times=[1.5, 2.25],
        epochs=2,
        started=100.0 + number,
        sources={"lr": "paper"},
        fingerprints={"environment": {"python": "3.11"}, "seed": 0},
    )
    return changed(made, **changes)


@pytest.fixture(params=["local", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "local":
        return LocalStore(tmp_path / "runs")
    s3: S3 = request.getfixturevalue("s3")
    return open_store(f"s3://{s3.bucket()}/runs", create=False)


@pytest.fixture(autouse=True)
def _small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_index, "SEGMENT", 4)
    monkeypatch.setattr(ledger_index, "FEWEST", 2)


def filled(store: Store, count: int = 10) -> Ledger:
    ledger = Ledger(store, RunId("s"))
    for number in range(count):
        ledger.add(entry(number))
    ledger.index()
    return ledger


def numbers(store: Store) -> list[int]:
    return [ledger_index.number_of_segment(name) for name in store.names(index_folder(RunId("s")))]


@contextmanager
def reads(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The paths that are read meanwhile."""
    paths: list[str] = []
    original = type(store).read

    def read(self: Any, path: str) -> bytes:
        paths.append(path.rpartition("/")[2])
        return original(self, path)

    with monkeypatch.context() as patch:
        patch.setattr(type(store), "read", read)
        yield paths


def test_readers_take_what_the_index_holds_and_read_only_the_rest(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = filled(store)
    ledger.add(entry(10))
    with reads(store, monkeypatch) as paths:
        found = ledger.entries()
    assert found == [entry(number) for number in range(11)]
    assert [path.partition("-")[0] for path in sorted(paths)] == ["000001", "000002", "000003", "trial"]


def test_a_trial_that_is_run_again_is_never_told_of_by_the_index(store: Store) -> None:
    ledger = filled(store)
    ledger.remove("trial-00003")
    assert [one.number for one in ledger.entries()] == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    again = entry(3, seed=9)  # as long as the first one was
    assert len(encode(again)) == len(encode(entry(3)))
    ledger.add(again)
    assert ledger.entries()[3] == again
    ledger.index()
    assert ledger.entries()[3] == again


def test_full_segments_stay_and_small_ones_are_merged(store: Store) -> None:
    ledger = filled(store)
    assert numbers(store) == [1, 2, 3]
    ledger.add(entry(10))
    ledger.index()
    assert numbers(store) == [1, 2, 3], "one more is not worth it"
    ledger.add(entry(11))
    ledger.index()
    assert numbers(store) == [1, 2, 4]
    assert ledger.entries() == [entry(number) for number in range(12)]


@pytest.mark.parametrize("keep", [0, 100, -20])
def test_a_damaged_segment_is_ignored_and_written_again(store: Store, keep: int) -> None:
    ledger = filled(store)
    path = f"{index_folder(RunId('s'))}/{list(store.names(index_folder(RunId('s'))))[1]}"
    store.write(path, store.read(path)[:keep])
    assert ledger.entries() == [entry(number) for number in range(10)]
    ledger.index()
    assert not store.exists(path)
    assert len(numbers(store)) == 3


def test_a_flipped_bit_is_noticed_wherever_it_is(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    ledger = filled(store, 4)
    path = f"{index_folder(RunId('s'))}/{next(store.names(index_folder(RunId('s'))))}"
    whole = store.read(path)
    expected = [entry(number) for number in range(4)]
    for place in range(0, len(whole), 61):
        store.write(path, whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        assert ledger.entries() == expected, f"byte {place} of {len(whole)}"


def test_what_cannot_be_read_stays_out_of_the_index(store: Store) -> None:
    ledger = Ledger(store, RunId("s"))
    for number in range(5):
        ledger.add(entry(number))
    store.write(ledger.path("trial-00001"), b"garbage")
    store.write(ledger.path("copy"), encode(entry(2)))
    ledger.index()
    store.delete(ledger.path("trial-00001"))
    store.delete(ledger.path("copy"))
    assert [one.number for one in ledger.entries()] == [0, 2, 3, 4]


def test_a_study_that_is_set_aside_takes_its_index_along(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(store)
    store.move("studies/s", "studies/s@1")
    with reads(store, monkeypatch) as paths:
        assert len(Ledger(store, RunId("s@1")).entries()) == 10
    assert len(paths) == 3


def test_entries_share_what_is_equal(tmp_path: Path) -> None:
    first, second, *_ = filled(LocalStore(tmp_path)).entries()
    assert first.sources is second.sources
    assert first.fingerprints is second.fingerprints
    assert first.params is not second.params
    assert next(iter(first.params)) is next(iter(second.params))


def test_curves_stay_text_until_somebody_looks(tmp_path: Path) -> None:
    found = filled(LocalStore(tmp_path)).entries()[3]
    original = entry(3)
    assert isinstance(found.curve, JsonList)
    assert found.curve[0] is not found.curve[0], "not kept"
    assert (found.curve[-1], len(found.curve), found.curve[:1]) == (original.curve[-1], 2, original.curve[:1])
    assert list(reversed(found.times)) == [2.25, 1.5]
    assert found == original
    assert original == found
    assert found != changed(original, curve=original.curve[:1])
    assert pickle.loads(pickle.dumps(found)) == original
    assert deepcopy(found) == original
    assert changed(found, seed=0) == original
    assert asdict(found) == asdict(original)
    assert encode(found) == encode(original)
    assert found.epoch_times == [1.5, 2.25]
    assert not changed(found, curve=JsonList("[]")).curve
