"""States that one trial makes and all trials of a run share."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from saddle.errors import StorageError
from saddle.execute.worker import shared_states
from saddle.execute.worker.run_context import DataCache, TrainRun
from saddle.execute.worker.shared_states import SharedStates, claim, read_state
from saddle.store.local import LocalStore
from saddle.store.ownership.lease import hold_lease
from saddle.store.s3.store import S3Store
from saddle.trial.run_id import RunId
from tests.support.s3 import S3
from tests.support.waiting import wait_until

FOLDER = "studies/s/shared"
SECONDS = 60.0


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_states, "POLL_SECONDS", 0.02)


def states(root: Path, code: str = "code", *, makes: bool = True) -> SharedStates:
    return SharedStates(LocalStore(root), FOLDER, lambda: code, makes)


def of(value: float) -> Mapping[str, Any]:
    return {"weight": torch.full((3,), value)}


def never() -> Mapping[str, Any]:
    raise AssertionError("it was made before")


def blobs(root: Path) -> list[Path]:
    return sorted((root / FOLDER).glob("*.pt"))


def test_a_state_is_made_once_for_all_workers_of_a_run(tmp_path: Path) -> None:
    made = states(tmp_path).get(("judge", 0), lambda: of(1.0))
    again = states(tmp_path).get(("judge", 0), never)
    assert torch.equal(made["weight"], again["weight"])
    states(tmp_path).get(("judge", 1), lambda: of(2.0))
    assert len(blobs(tmp_path)) == 2


def test_changed_code_makes_its_own(tmp_path: Path) -> None:
    states(tmp_path, "old").get("judge", lambda: of(1.0))
    assert states(tmp_path, "new").get("judge", lambda: of(2.0))["weight"][0] == 2
    assert states(tmp_path, "old").get("judge", never)["weight"][0] == 1


def test_what_cannot_be_made_is_made_by_the_next(tmp_path: Path) -> None:
    def fail() -> Mapping[str, Any]:
        raise ValueError("no images")

    with pytest.raises(ValueError, match="no images"):
        states(tmp_path).get("judge", fail)
    assert states(tmp_path).get("judge", lambda: of(1.0))["weight"][0] == 1


def test_two_trials_at_once_make_one(tmp_path: Path) -> None:
    made: list[int] = []

    def slowly() -> Mapping[str, Any]:
        made.append(threading.get_ident())
        time.sleep(0.3)
        return of(float(len(made)))

    got: list[Any] = []
    threads = [threading.Thread(target=lambda: got.append(states(tmp_path).get("judge", slowly))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    assert len(made) == 1
    assert [float(state["weight"][0]) for state in got] == [1.0] * 4


def test_a_rank_that_makes_none_waits_for_the_one_that_does(tmp_path: Path) -> None:
    got: list[Any] = []
    waiting = threading.Thread(target=lambda: got.append(states(tmp_path, makes=False).get("judge", never)))
    waiting.start()
    time.sleep(0.2)
    assert not got
    states(tmp_path).get("judge", lambda: of(3.0))
    waiting.join(SECONDS)
    assert got[0]["weight"][0] == 3


def test_it_does_not_wait_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_states, "PATIENCE_SECONDS", 0.1)
    with pytest.raises(StorageError, match="was to be made by another worker"):
        states(tmp_path, makes=False).get("judge", never)


def _make_and_hang(root: Path) -> None:
    def hang() -> Mapping[str, Any]:
        (root / "making").touch()
        time.sleep(SECONDS)
        return of(0.0)

    states(root).get("judge", hang)


@pytest.mark.fault
def test_a_worker_that_dies_while_it_makes_one_leaves_it_to_the_next(tmp_path: Path) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_make_and_hang, args=(tmp_path,))
    process.start()
    try:
        wait_until(lambda: (tmp_path / "making").exists(), "the worker begins", SECONDS)
        path = next((tmp_path / FOLDER).glob("*.lock")).name.removesuffix(".lock")
        with claim(LocalStore(tmp_path), f"{FOLDER}/{path}") as claimed:
            assert not claimed, "the worker has it"
    finally:
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join(SECONDS)
    assert states(tmp_path).get("judge", lambda: of(5.0))["weight"][0] == 5


def _truncated(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _flipped(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


@pytest.mark.parametrize("spoil", [_truncated, _flipped, lambda content: b""])
def test_a_damaged_one_is_made_again(spoil: Callable[[bytes], bytes], tmp_path: Path) -> None:
    states(tmp_path).get("judge", lambda: of(1.0))
    [blob] = blobs(tmp_path)
    blob.write_bytes(spoil(blob.read_bytes()))
    assert states(tmp_path).get("judge", lambda: of(2.0))["weight"][0] == 2
    assert read_state(LocalStore(tmp_path), f"{FOLDER}/{blob.name}") is not None


def test_of_two_that_finish_the_first_counts(tmp_path: Path) -> None:
    """As after a pause in which another one took the claim over."""

    def overtaken() -> Mapping[str, Any]:
        [lock] = (tmp_path / FOLDER).glob("*.lock")
        lock.unlink()
        states(tmp_path).get("judge", lambda: of(1.0))
        return of(2.0)

    assert states(tmp_path).get("judge", overtaken)["weight"][0] == 1


def test_a_warm_worker_shares_within_each_run(tmp_path: Path) -> None:
    cache, store = DataCache(None), LocalStore(tmp_path)
    values = []
    for name, value in (("one", 1.0), ("two", 2.0), ("one", 3.0)):
        cache.share_in(store, RunId(name, "i"), lambda: "code")
        values.append(float(TrainRun(0, cache).shared("judge", lambda value=value: of(value))["weight"][0]))
    assert values == [1.0, 2.0, 1.0], "another run has its own"


def test_in_a_bucket_another_machine_is_waited_for(s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SADDLE_HOME", str(tmp_path))
    bucket = S3Store(s3.bucket(), "runs", patience=5.0)
    path = f"{FOLDER}/judge.pt"
    with hold_lease(bucket, f"{path}.lease", "judge"), claim(bucket, path) as claimed:
        assert not claimed, "it is made elsewhere"
    with claim(bucket, path) as claimed:
        assert claimed
    first, second = (SharedStates(bucket, FOLDER, lambda: "code") for _ in range(2))
    assert torch.equal(first.get("judge", lambda: of(1.0))["weight"], second.get("judge", never)["weight"])
    assert not any(key.endswith(".lease") for key in s3.keys(bucket.bucket))
