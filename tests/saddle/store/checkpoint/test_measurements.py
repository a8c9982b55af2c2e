"""Later measurements lie beside the ledger: the latest counts, earlier ones stay, and entries never change."""

from __future__ import annotations

from pathlib import Path

import pytest

from saddle.errors import TakenOver
from saddle.store.checkpoint.measurements import add_measurement, measurement_path, next_number, read_measurements
from saddle.store.ledger.ledger import Ledger
from saddle.store.local import LocalStore
from saddle.store.ownership.fence import NO_LOCK, take_fence
from saddle.trial.record import Measurement, TrialRecord
from saddle.trial.run_id import RunId
from tests.support.records import make_record

RUN = RunId("s")


def entry(**changes: object) -> TrialRecord:
    facts = {
        "key": "a-0", "study": "s", "seed": 0, "outcome": "completed", "params": {"attacks": ["pgd"], "lr": 0.1},
        "settings": {}, "metrics": {"validation/a": 0.5, "test/a": 0.4, "test/old": 1.0}, "test_last": {"test/a": 0.3},
        "arrays": {"labels": "studies/s/trials/a-0/arrays/labels.npy"}, "fingerprints": {"data": "x"},
        "images": {"epoch 00001, x": "studies/s/trials/a-0/images/e.png", "x": "studies/s/trials/a-0/images/x.png"},
        "started": 10.0, "ended": 20.0, "epochs": 2, **changes,
    }  # fmt: skip
    return make_record(**facts)  # type: ignore[arg-type]


def measurement(value: float, when: float = 30.0, **evaluation: object) -> Measurement:
    return Measurement(
        evaluation=evaluation, metrics={"test/a": value}, test_last={"test/a": value},
        arrays={"labels": f"studies/s/trials/a-0/measured-{when}/labels.npy"},
        images={}, fingerprints={"attacks": {"pgd": {"order": 1}}}, when=when,
    )  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    found = LocalStore(tmp_path)
    Ledger(found, RUN).add(entry())
    return found


def test_the_latest_counts_and_all_before_it_stay(store: LocalStore) -> None:
    before = store.read(Ledger(store, RUN).path("a-0"))
    for number, value in ((1, 0.2), (2, 0.1)):
        assert next_number(store, RUN, "a-0") == number
        now = add_measurement(
            store,
            RUN,
            Ledger(store, RUN).get("a-0"),
            number,
            measurement(value, 30.0 + number, attacks=["pgd", number]),
            NO_LOCK,
        )
        assert Ledger(store, RUN).get("a-0") == now
    [found] = Ledger(store, RUN)
    assert found == now
    assert found.metrics == {"validation/a": 0.5, "test/a": 0.1}, "a test metric that was not measured again is gone"
    assert found.params == entry().params, "what it was trained with stays"
    assert found.measured_params == {"attacks": ["pgd", 2], "lr": 0.1}
    assert [one.metrics["test/a"] for one in found.earlier] == [0.4, 0.2]
    assert found.earlier[0].arrays == entry().arrays
    assert found.earlier[0].metrics["test/old"] == 1.0
    assert list(found.images) == ["epoch 00001, x"]
    assert (found.measured, found.settled, found.ended) == (32.0, 32.0, 20.0)
    assert store.read(Ledger(store, RUN).path("a-0")) == before


def test_they_move_with_the_run_that_is_set_aside(store: LocalStore) -> None:
    add_measurement(store, RUN, entry(), 1, measurement(0.2), NO_LOCK)
    store.move("studies/s", "studies/s@then")
    found = Ledger(store, RunId("s", "", "s@then")).get("a-0")
    assert found.arrays["labels"].startswith("studies/s@then/trials/")
    assert found.earlier[0].arrays["labels"].startswith("studies/s@then/trials/")


def test_a_trial_that_is_run_again_inherits_nothing(store: LocalStore) -> None:
    add_measurement(store, RUN, entry(), 1, measurement(0.2), NO_LOCK)
    Ledger(store, RUN).remove("a-0")
    Ledger(store, RUN).add(entry(ended=25.0))
    found = Ledger(store, RUN).get("a-0")
    assert found.metrics["test/a"] == 0.4
    assert not found.earlier
    assert next_number(store, RUN, "a-0") == 2, "numbers are used once"


def test_a_number_is_written_once_and_only_by_who_holds_the_study(store: LocalStore) -> None:
    old = take_fence(store, RUN)
    add_measurement(store, RUN, entry(), 1, measurement(0.2), old)
    with pytest.raises(TakenOver, match="at the same time"):
        add_measurement(store, RUN, entry(), 1, measurement(0.3), old)
    take_fence(store, RUN)
    with pytest.raises(TakenOver, match="taken over"):
        add_measurement(store, RUN, entry(), 2, measurement(0.3), old)
    assert Ledger(store, RUN).get("a-0").metrics["test/a"] == 0.2


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": 1}', b'{"version": 9}'])
def test_a_damaged_one_is_left_out_and_named(store: LocalStore, content: bytes) -> None:
    add_measurement(store, RUN, entry(), 1, measurement(0.2), NO_LOCK)
    store.write(measurement_path(RUN, "a-0", 2), content)
    told: list[str] = []
    read_measurements(store, RUN, damaged=lambda path, why: told.append(path))
    assert told == [measurement_path(RUN, "a-0", 2)]
    assert Ledger(store, RUN).get("a-0").metrics["test/a"] == 0.2
    assert next_number(store, RUN, "a-0") == 3
