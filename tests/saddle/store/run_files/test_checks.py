"""The checklist of a trial lies beside the ledger, belongs to one trial, and takes no ledger with it when damaged."""

from __future__ import annotations

import json
from pathlib import Path

from saddle.store.ledger.ledger import Ledger
from saddle.store.ledger.record_parquet import encode
from saddle.store.local import LocalStore
from saddle.store.ownership.fence import NO_LOCK
from saddle.store.run_files.checks import checks_path, write_checks
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import RunId
from tests.support.records import changed, make_record
from trainables.contract import CheckItem

RUN = RunId("s", "inst")
ITEMS = (CheckItem("black_box", "fail", {"n": 500.0, "by_square_alone": 12.0}, "Square fools 12"),
         CheckItem("heads", "not run", {"norm": float("nan")}, "there is only one head"))  # fmt: skip


def entry(key: str = "a", ended: float = 5.0) -> TrialRecord:
    return make_record(key, "s", 0, "completed", {}, {}, {"test/a": 0.5}, ended=ended)


def stored(tmp_path: Path) -> tuple[LocalStore, Ledger]:
    store = LocalStore(tmp_path)
    ledger = Ledger(store, RUN)
    ledger.add(entry())
    ledger.add(entry("b"))
    write_checks(store, RUN, entry(), ITEMS, NO_LOCK)
    return store, ledger


def test_a_checked_trial_has_its_items_wherever_it_is_read(tmp_path: Path) -> None:
    _, ledger = stored(tmp_path)
    for found in (ledger.get("a"), next(one for one in ledger if one.key == "a")):
        assert found.checks[0] == ITEMS[0]
        assert found.checks[1].verdict == "not run"
        assert str(found.checks[1].numbers["norm"]) == "nan", "null in JSON"
    assert ledger.get("b").checks == ()


def test_the_ledgers_own_file_knows_nothing_of_them(tmp_path: Path) -> None:
    assert encode(changed(entry(), checks=ITEMS)) == encode(entry())


def test_a_trial_that_is_run_again_is_not_the_one_that_was_checked(tmp_path: Path) -> None:
    store, ledger = stored(tmp_path)
    ledger.remove("a")
    assert not store.exists(checks_path(RUN, "a"))
    write_checks(store, RUN, entry(), ITEMS, NO_LOCK)
    ledger.add(entry(ended=9.0))
    assert ledger.get("a").checks == ()


def test_a_damaged_checklist_is_as_good_as_none(tmp_path: Path) -> None:
    store, ledger = stored(tmp_path)
    whole = json.loads(store.read(checks_path(RUN, "a")))
    for content in (
        b"", b"{", b"[]", b"null", b"\xff",
        json.dumps({**whole, "items": [{"item": "x"}]}).encode(),
        json.dumps({**whole, "items": [{**whole["items"][0], "verdict": "perhaps"}]}).encode(),
        json.dumps({**whole, "version": 99}).encode(),
    ):  # fmt: skip
        store.write(checks_path(RUN, "a"), content)
        assert [one.checks for one in ledger] == [(), ()], content
