"""Fencing: whoever has an old token changes nothing of what a later driver wrote, and is told so."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
import torch

from saddle.errors import InfrastructureError, StorageError, TakenOver
from saddle.store.base import Store
from saddle.store.checkpoint.checkpoints import Checkpoints, Superseded
from saddle.store.ledger.ledger import Ledger
from saddle.store.local import LocalStore
from saddle.store.ownership.fence import Fence, fence_path, take_fence, write_fenced
from saddle.store.ownership.lock import lock_study
from saddle.store.s3.store import S3Store
from saddle.trial.run_id import RunId
from tests.support.faulty_proxy import Fault, FaultyProxy
from tests.support.records import changed, make_record
from tests.support.s3 import S3
from tests.support.waiting import join_all

RUN = RunId("digits")
ENTRY = make_record("trial-00003", "digits", 0, "completed", {"lr": 0.1}, {"lr": 0.1}, {"validation/a": 0.5}, number=3)


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "folder":
        return LocalStore(tmp_path)
    s3: S3 = request.getfixturevalue("s3")
    return S3Store(s3.bucket(), "runs")


def test_each_driver_has_a_higher_token_which_outlives_the_study(store: Store) -> None:
    tokens = []
    for _ in range(3):
        with lock_study(store, RUN) as lock:
            lock.check()
            tokens.append(lock.token)
        store.delete("studies/digits")
    assert tokens == [1, 2, 3]
    assert not [name for name in store.names("studies") if "fence" in name]


def test_of_many_that_take_a_token_at_once_no_two_have_the_same(store: Store) -> None:
    store.etag("x")
    tokens: list[int] = []
    threads = [threading.Thread(target=lambda: tokens.append(take_fence(store, RUN).token)) for _ in range(6)]
    for thread in threads:
        thread.start()
    join_all(*threads)
    assert sorted(tokens) == [1, 2, 3, 4, 5, 6]


def test_a_driver_that_was_taken_over_is_told_by_whom(store: Store) -> None:
    stale = take_fence(store, RUN)
    stale.check()
    take_fence(store, RUN)
    with pytest.raises(TakenOver, match=r"digits was taken over by process \d+ on .*; this one has stopped"):
        stale.check()
    assert issubclass(TakenOver, InfrastructureError)


def test_a_damaged_token_is_named(store: Store) -> None:
    store.write(fence_path(RUN), b"{")
    with pytest.raises(StorageError, match=r"\.digits\.fence is damaged"):
        take_fence(store, RUN)


def test_tokens_go_on_where_a_fence_was_deleted(store: Store) -> None:
    stale = take_fence(store, RUN)
    later = take_fence(store, RUN)
    store.write("studies/digits/instance.json", json.dumps({"instance": "a", "token": later.token}).encode())
    store.delete(fence_path(RUN))  # as the message of a damaged one advises
    with pytest.raises(TakenOver):
        stale.check()
    assert take_fence(store, RUN).token == 3, "never one that an earlier driver has"


class Stopped:
    """A hold whose process is stopped after it asked for the token, while `meanwhile` happens."""

    lost, why = False, ""

    def __init__(self, fence: Fence, meanwhile: list[object]) -> None:
        self.fence, self.token, self.meanwhile = fence, fence.token, meanwhile

    def check(self) -> None:
        self.fence.check()
        while self.meanwhile:
            self.meanwhile.pop()()  # type: ignore[operator]


def test_a_writer_stopped_between_its_last_look_and_its_write_writes_nothing(store: Store) -> None:
    store.write("x", b"before")
    stale = take_fence(store, RUN)

    def take_over() -> None:
        write_fenced(store, "x", b"the successor's", take_fence(store, RUN))

    with pytest.raises(TakenOver):
        write_fenced(store, "x", b"the stale one's", Stopped(stale, [take_over]))
    assert store.read("x") == b"the successor's"


def test_an_entry_is_written_once(store: Store) -> None:
    ledger = Ledger(store, RUN)
    first = changed(ENTRY, token=2)
    ledger.add(first)
    before = store.fetch(ledger.path(ENTRY.key))
    ledger.add(first)
    for token in (1, 2):
        with pytest.raises(TakenOver, match="another driver has ended trial-00003 of digits differently"):
            ledger.add(changed(ENTRY, token=token, outcome="failed"))
    assert store.fetch(ledger.path(ENTRY.key)) == before
    assert ledger.entries() == [first]


def test_an_entry_that_a_stale_driver_wrote_gives_way_to_its_successor_s(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = Ledger(store, RUN)
    ledger.add(changed(ENTRY, token=1, outcome="failed"))
    ledger.add(changed(ENTRY, token=2))
    assert [(entry.token, entry.outcome) for entry in ledger.entries()] == [(2, "completed")]
    assert "had lost the study; it is replaced" in caplog.text


def test_an_entry_of_an_older_saddle_has_no_token_and_is_never_replaced_by_one_without(store: Store) -> None:
    ledger = Ledger(store, RUN)
    ledger.add(ENTRY)
    with pytest.raises(TakenOver):
        ledger.add(changed(ENTRY, outcome="failed"))
    assert ledger.entries() == [ENTRY]


def test_the_lost_answer_of_a_write_that_succeeded_is_no_refusal(s3: S3, s3_proxy: FaultyProxy) -> None:
    store = S3Store(s3.bucket(), "runs", patience=10.0)
    ledger = Ledger(store, RUN)
    for fault in (Fault("lose", 500), Fault("lose_reset")):
        s3_proxy.next(fault, of=lambda request: request.method == "PUT")
        ledger.add(changed(ENTRY, token=1))
        assert ledger.entries() == [changed(ENTRY, token=1)]
    checkpoints = Checkpoints.open(store, "t", 1)
    s3_proxy.next(Fault("lose", 500), of=lambda request: request.method == "PUT")
    assert checkpoints.claim(1.0) == 1
    s3_proxy.next(Fault("lose_reset"), times=2, of=lambda request: request.method == "PUT")
    save(checkpoints, 1)
    assert Checkpoints.open(store, "t").manifest == checkpoints.manifest


def save(checkpoints: Checkpoints, epoch: int) -> None:
    score = float(checkpoints.manifest.attempts)
    checkpoints.save(epoch, {"epoch": epoch, "w": torch.full((2,), score)}, {"validation/a": score}, 1.0, epoch == 1)


def test_an_orphan_of_an_earlier_attempt_changes_nothing(store: Store) -> None:
    orphan = Checkpoints.open(store, "t", 1)
    assert orphan.claim(1.0) == 1
    save(orphan, 1)
    later = Checkpoints.open(store, "t", 1)
    assert later.claim(2.0) == 2
    save(later, 2)
    known = {saved.path: store.read(saved.path) for saved in later.manifest.saved}
    with pytest.raises(Superseded):
        save(orphan, 2)
    assert {path: store.read(path) for path in known} == known, "its checkpoint has another name"
    assert Checkpoints.open(store, "t").manifest == later.manifest
    save(later, 3)
    assert later.resume()[0] == 3


def test_of_attempts_that_start_at_once_one_goes_on(store: Store) -> None:
    store.etag("x")
    ready = threading.Barrier(4)
    claimed: list[Checkpoints] = []

    def start() -> None:
        checkpoints = Checkpoints.open(store, "t", 1)
        ready.wait(timeout=120)
        checkpoints.claim(1.0)
        claimed.append(checkpoints)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    join_all(*threads)
    assert sorted(one.manifest.attempts for one in claimed) == [1, 2, 3, 4]
    went_on = []
    for one in claimed:
        try:
            save(one, 1)
            went_on.append(one.manifest.attempts)
        except Superseded:
            pass
    assert went_on == [4]


def test_a_stale_driver_and_its_workers_write_to_no_trial_of_their_successor(store: Store) -> None:
    worker = Checkpoints.open(store, "t", 1)
    worker.claim(1.0)
    save(worker, 1)
    Checkpoints.open(store, "t", 2).fence_off()
    before = store.fetch("t/manifest.json")
    with pytest.raises(Superseded):
        save(worker, 2)
    with pytest.raises(Superseded):
        Checkpoints.open(store, "t", 1).claim(3.0)
    with pytest.raises(Superseded):
        Checkpoints.open(store, "t", 1).give_up("failed", "the worker died 4 times")
    assert store.fetch("t/manifest.json") == before
    successor = Checkpoints.open(store, "t", 2)
    assert successor.claim(4.0) == 2
    assert successor.resume()[0] == 1


def test_a_trial_may_be_given_up_while_its_worker_writes(store: Store) -> None:
    worker = Checkpoints.open(store, "t", 1)
    worker.claim(1.0)
    driver = Checkpoints.open(store, "t", 1)
    save(worker, 1)
    driver.give_up("timed_out", "no epoch ended")
    save(worker, 2)
    manifest = Checkpoints.open(store, "t").manifest
    assert manifest.given_up is not None
    assert (manifest.given_up.outcome, manifest.epochs) == ("timed_out", 2)


def test_an_orphan_whose_trial_was_started_over_or_set_aside_writes_no_more(store: Store) -> None:
    orphan = Checkpoints.open(store, "t", 1)
    orphan.claim(1.0)
    save(orphan, 1)
    Checkpoints.open(store, "t", 2).start_over()
    assert list(store.names("t")) == ["manifest.json"]
    with pytest.raises(Superseded):
        save(orphan, 2)
    again = Checkpoints.open(store, "t", 2)
    assert (again.resume(), again.claim(2.0)) == ((0, None), 2)
    save(again, 1)
    store.move("t", "aside")
    with pytest.raises(Superseded):
        save(again, 2)
    assert not store.exists("t/manifest.json")
