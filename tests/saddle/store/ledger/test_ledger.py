from __future__ import annotations

import math
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from saddle.errors import StorageError
from saddle.store.ledger.ledger import Ledger, decode, encode
from saddle.store.local import LocalStore
from saddle.trial.json_text import to_json
from saddle.trial.record import SCHEMA_VERSION
from saddle.trial.run_id import RunId
from tests.support.records import changed, make_record

ENTRY = make_record(
    key="trial-00003",
    study="s",
    seed=1,
    outcome="completed",
    params={"lr": 0.1, "tasks": ["a"], "nested": {"x": None}},
    settings={"lr": 0.1},
    metrics={"validation/a": 0.5},
    number=3,
    curve=[{"validation/a": 0.25}, {"validation/a": 0.5}],
    times=[10.5, 12.25],
    selected_epoch=2,
    epochs=2,
    seconds=1.5,
    fingerprints={"environment": {"python": "3.11"}},
)

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=8), plain, max_size=4), st.text())
def test_an_entry_comes_back_equal(params: dict[str, object], why: str) -> None:
    entry = changed(ENTRY, params=params, why=why.encode("utf-8", "ignore").decode())
    assert decode(encode(entry), "x") == entry


def test_numbers_that_are_not_finite_become_null() -> None:
    assert to_json({"a": [math.nan, math.inf, 1.0]}) == '{"a": [null, null, 1.0]}'


def test_any_parquet_reader_can_query_outcomes(tmp_path: Path) -> None:
    ledger = Ledger(LocalStore(tmp_path), RunId("s"))
    ledger.add(ENTRY)
    table = pq.read_table(tmp_path / "studies/s/ledger").to_pylist()
    assert [(row["key"], row["outcome"], row["epochs"]) for row in table] == [("trial-00003", "completed", 2)]


def test_entries_of_a_search_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    ledger = Ledger(LocalStore(tmp_path), RunId("s"))
    for number in (11, 2, 100):
        ledger.add(changed(ENTRY, key=f"trial-{number:05d}", number=number))
    assert [entry.number for entry in ledger.entries()] == [2, 11, 100]
    assert "trial-00002" in ledger
    ledger.remove("trial-00002")
    assert "trial-00002" not in ledger


def test_a_damaged_entry_is_named(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    ledger = Ledger(store, RunId("s"))
    ledger.add(ENTRY)
    store.write(ledger.path(ENTRY.key), store.read(ledger.path(ENTRY.key))[:100])
    with pytest.raises(StorageError, match=r"trial-00003\.parquet is damaged"):
        ledger.entries()


def test_an_entry_of_a_later_version_is_refused() -> None:
    with pytest.raises(StorageError, match=f"version {SCHEMA_VERSION + 1}"):
        decode(encode(changed(ENTRY, version=SCHEMA_VERSION + 1)), "x")


@pytest.mark.parametrize(
    ("entries", "count", "keys"), [(10, 3, [0, 4, 8]), (3, 10, [0, 1, 2]), (4, 4, [0, 1, 2, 3]), (0, 5, [])]
)
def test_a_sample_is_spread_over_all_entries(entries: int, count: int, keys: list[int], tmp_path: Path) -> None:
    ledger = Ledger(LocalStore(tmp_path), RunId("s"))
    for number in range(entries):
        ledger.add(changed(ENTRY, key=f"trial-{number:05d}", number=number))
    assert [entry.number for entry in ledger.sample(count)] == keys
