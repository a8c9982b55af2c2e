"""Two drivers of one study on different machines, which here are processes with homes of their own."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import saddle.store.ownership.lease as leases
from saddle.errors import StorageError
from saddle.store.ownership.lock import Driver, driver_of, lock_study
from saddle.store.s3.store import S3Store
from saddle.trial.run_id import RunId
from tests.support.faulty_proxy import Fault, FaultyProxy, Request
from tests.support.s3 import S3
from tests.support.waiting import PROCESS_SECONDS, join_all, wait_until

DRIVER = """
import socket, sys, time
import saddle.store.ownership.lease as leases
from saddle.errors import UserError
from saddle.store.ownership.lock import lock_study
from saddle.store.open import open_store
from saddle.trial.run_id import RunId
if sys.argv[2] == "elsewhere":
    leases.place = lambda: "elsewhere"
    socket.gethostname = lambda: "gpu-7"
leases.RENEW_SECONDS, leases.STALE_SECONDS = float(sys.argv[3]), float(sys.argv[4])
try:
    with lock_study(open_store(sys.argv[1]), RunId("digits")) as lock:
        print("held", flush=True)
        while not lock.lost:
            time.sleep(0.05)
        print(lock.why, flush=True)
except UserError as error:
    print(error, flush=True)
"""

QUICK = 0.2
STALE = 6.0


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "RENEW_SECONDS", QUICK)
    monkeypatch.setattr(leases, "STALE_SECONDS", STALE)


@pytest.fixture
def store(s3: S3) -> S3Store:
    return S3Store(s3.bucket(), "runs", patience=5.0)


@contextlib.contextmanager
def driver(
    store: S3Store, home: Path, where: str = "elsewhere", renew: float = QUICK
) -> Iterator[subprocess.Popen[str]]:
    """A driver in a process of its own, with a home of its own as on another machine."""
    process = subprocess.Popen(
        [sys.executable, "-c", DRIVER, store.url, where, str(QUICK), str(STALE)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "SADDLE_HOME": str(home)},
    )
    assert process.stdout is not None
    try:
        yield process
    finally:
        process.kill()
        process.wait(PROCESS_SECONDS)
        process.stdout.close()


def say(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_driver_on_another_machine_is_named_and_keeps_the_second_one_out(store: S3Store, tmp_path: Path) -> None:
    with driver(store, tmp_path / "other") as other:
        assert say(other) == "held"
        assert driver_of(store, RunId("digits")) == Driver(other.pid, "gpu-7")
        assert driver_of(store, RunId("letters")) is None
        refused = (
            rf"another driver \(process {other.pid} on gpu-7\) is running digits; watch it with .*saddle stop digits"
        )
        with pytest.raises(StorageError, match=refused), lock_study(store, RunId("digits")):
            pass
        time.sleep(1.5 * STALE)  # it is renewed, so time alone doesn't make it stale
        with pytest.raises(StorageError, match=refused), lock_study(store, RunId("digits")):
            pass


def test_a_killed_driver_elsewhere_is_followed_once_its_lease_is_stale(store: S3Store, tmp_path: Path) -> None:
    with driver(store, tmp_path / "other") as other:
        assert say(other) == "held"
    since = time.monotonic()
    with pytest.raises(StorageError, match="gpu-7"), lock_study(store, RunId("digits")):
        pass

    def follows() -> bool:
        with contextlib.suppress(StorageError), lock_study(store, RunId("digits")) as lock:
            assert not lock.lost
            assert driver_of(store, RunId("digits")) == Driver(os.getpid())
            return True
        return False

    wait_until(follows, "the dead driver's following", pause=0.1)
    assert time.monotonic() - since > STALE / 2


def test_a_killed_driver_on_this_machine_is_followed_at_once(store: S3Store, tmp_path: Path) -> None:
    with driver(store, tmp_path / "other", where="here") as other:
        assert say(other) == "held"
        with pytest.raises(StorageError, match=f"process {other.pid}"), lock_study(store, RunId("digits")):
            pass
    assert driver_of(store, RunId("digits")) is None
    with lock_study(store, RunId("digits")):
        pass


def test_the_lease_ends_with_the_study(store: S3Store, s3: S3) -> None:
    with lock_study(store, RunId("digits")):
        assert s3.keys(store.bucket) == ["runs/studies/.digits.fence", "runs/studies/.digits.lease"]
        assert list(store.names("studies")) == [], "it is not a study"
    assert s3.keys(store.bucket) == ["runs/studies/.digits.fence"], "the token only grows"
    assert driver_of(store, RunId("digits")) is None


def test_a_driver_that_was_cut_off_notices_that_another_took_over(
    store: S3Store, s3: S3, s3_proxy: FaultyProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "RENEW_PATIENCE", 0.2)
    cut_off = S3Store(store.bucket, store.prefix, patience=0.5)
    with lock_study(cut_off, RunId("digits")) as lock:
        s3_proxy.die()
        assert not lock.lost, "nobody can take over what nobody can reach"
        time.sleep(STALE + 1.5)
        with contextlib.ExitStack() as stack:
            with monkeypatch.context() as elsewhere:
                elsewhere.setenv("AWS_ENDPOINT_URL", s3.endpoint)
                other = stack.enter_context(driver(store, tmp_path / "other"))
                assert find_holder(store) is not None  # makes the client that goes past the proxy
                wait_until(lambda: find_holder(store) == other.pid, "the taking over")
            s3_proxy.revive()
            wait_until(lambda: lock.lost, "the notice")
            assert f"taken over by process {other.pid} on gpu-7" in lock.why
    found = leases.find_lease(store, "studies/.digits.lease")
    assert found is not None, "the loser took the winner's lease away"
    assert found.owner.process == other.pid


def find_holder(store: S3Store) -> int | None:
    found = leases.find_lease(store, "studies/.digits.lease")
    return None if found is None else found.owner.process


def test_a_lease_survives_lost_answers_and_short_outages(
    store: S3Store, s3_proxy: FaultyProxy, caplog: pytest.LogCaptureFixture
) -> None:
    behind = S3Store(store.bucket, store.prefix, patience=5.0)
    s3_proxy.next(Fault("lose", 500), of=lambda request: request.method == "PUT")
    with lock_study(behind, RunId("digits")) as lock:
        s3_proxy.next(Fault("lose_reset"), times=2, of=lambda request: request.method == "PUT")
        wait_until(lambda: puts(s3_proxy) >= 5, "renewing although two answers were lost")
        assert not lock.lost
        s3_proxy.fail(3, 503)
        before = puts(s3_proxy)
        wait_until(lambda: not s3_proxy._waiting and puts(s3_proxy) >= before + 3, "renewing after three errors")
        assert not lock.lost


def puts(proxy: FaultyProxy) -> int:
    return sum(request.method == "PUT" for request in proxy.requests)


def test_of_many_drivers_that_start_at_once_one_gets_the_study(store: S3Store) -> None:
    got: list[leases.Lease] = []
    refused: list[str] = []
    ready = threading.Barrier(8)

    def start() -> None:
        lease = leases.Lease(store, "studies/.digits.lease", "digits")
        ready.wait(timeout=120)
        try:
            lease.take()
            got.append(lease)
        except StorageError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    join_all(*threads)
    assert (len(got), len(refused)) == (1, 7)
    assert all("is running digits" in text for text in refused)


def test_of_two_drivers_that_both_found_nobody_one_gets_the_study(store: S3Store, s3_proxy: FaultyProxy) -> None:
    both_looked = threading.Barrier(2)
    first_has_it = threading.Event()
    seen: list[str] = []
    lock = threading.Lock()

    def hold_back(request: Request) -> None:
        with lock:
            seen.append(request.method)
            looks, writes = seen.count("GET"), seen.count("PUT")
        if request.method == "GET" and looks <= 2:
            both_looked.wait(timeout=120)
        if request.method == "PUT" and writes == 2:
            first_has_it.wait(timeout=120)

    s3_proxy.plan = hold_back
    ends: list[str] = []

    def start() -> None:
        try:
            leases.Lease(store, "studies/.digits.lease", "digits").take()
            ends.append("has it")
            first_has_it.set()
        except StorageError as error:
            ends.append(str(error))

    assert store.calls.client is not None  # made before its threads need it
    threads = [threading.Thread(target=start) for _ in range(2)]
    for thread in threads:
        thread.start()
    join_all(*threads)
    assert ends[0] == "has it"
    assert "is running digits" in ends[1]
