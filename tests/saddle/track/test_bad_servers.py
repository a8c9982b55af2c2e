"""A real MLflow server behind a proxy that fails: afterwards nothing is missing and nothing is double."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mlflow.entities import ViewType
from mlflow.tracking import MlflowClient

from saddle.external_names import mlflow_name
from saddle.store.local import LocalStore
from saddle.store.ownership.lock import lock_study
from saddle.track.base import ArmSummary, StudySummary
from saddle.track.mlflow_tracker import MlflowTracker
from saddle.track.opening import deliver_rest
from saddle.track.server import Server, free_port
from saddle.trial.run_id import RunId
from saddle_contracts.tracker import ended, started, tell_ablation
from tests.support.faulty_proxy import Fault, FaultyProxy, Request, faulty_proxy
from tests.support.mlflow_servers import Contents, contents, kill_group, serving, without_clock
from tests.support.postgres import Postgres
from tests.support.records import changed
from tests.support.waiting import PROCESS_SECONDS, wait_until

Open = Callable[[str], MlflowTracker]
FAULTS = [Fault("answer", status=500), Fault("answer", status=503), Fault("lose", status=500), Fault("reset"),
          Fault("lose_reset"), Fault("truncate", keep=7)]  # fmt: skip


@pytest.fixture
def proxy(sqlite_server: Server) -> Iterator[FaultyProxy]:
    with faulty_proxy(sqlite_server.uri) as running:
        yield running


def tell(tracker: MlflowTracker, folder: Path) -> None:
    tell_ablation(tracker, LocalStore(folder))


def deliverers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "saddle-outbox"]


@pytest.mark.fault("MLflow's server failing, slow, killed or restarted")
def test_requests_fail_in_every_way(any_server: Server, tracker_to: Open, tmp_path: Path, expected: Contents) -> None:
    dice, happened = random.Random(0), []

    def plan(request: Request) -> Fault | None:
        fault = dice.choice(FAULTS) if dice.random() < 0.4 else None
        happened.append(fault)
        return fault

    with faulty_proxy(any_server.uri) as proxy:
        proxy.plan = plan
        tracker = tracker_to(proxy.url)
        tell(tracker, tmp_path)
        wait_until(lambda: sum(fault is not None for fault in happened) > 40, "forty failures")
        proxy.heal()
        assert tracker.close(120) is None
    assert {fault for fault in happened if fault is not None} == set(FAULTS)
    assert without_clock(contents(any_server.uri, tmp_path.name)) == expected


def test_a_run_that_was_made_although_500_was_answered_is_not_made_again(
    proxy: FaultyProxy, sqlite_server: Server, tracker_to: Open, tmp_path: Path, expected: Contents,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")  # the client's own retries would make it twice
    creations: list[Request] = []

    def plan(request: Request) -> Fault | None:
        if "runs/create" not in request.path:
            return None
        creations.append(request)
        return Fault("lose", status=500)

    proxy.plan = plan
    tracker = tracker_to(proxy.url)
    tell(tracker, tmp_path)
    assert tracker.close(60) is None
    assert len(creations) == len(expected), "each was asked for once"
    assert without_clock(contents(sqlite_server.uri, tmp_path.name)) == expected


@pytest.mark.parametrize("when", ["between other runs", "after the study's end"])
def test_a_run_that_was_given_up_before_it_was_made_is_not_kept_twice(
    proxy: FaultyProxy, sqlite_server: Server, tracker_to: Open, tmp_path: Path, expected: Contents, when: str
) -> None:
    creations: list[Request] = []
    ends: list[Request] = []

    def plan(request: Request) -> Fault | None:
        if "runs/create" in request.path:
            creations.append(request)
            if len(creations) in (1, 3):
                return Fault("late")
        if "runs/update" in request.path:
            ends.append(request)
        made, ended = len(creations) == len(expected) + 2, len(ends) == len(expected)
        if made if when == "between other runs" else ended:
            proxy.let_late_ones_through()
        return None

    proxy.plan = plan
    tracker = tracker_to(proxy.url)
    tell(tracker, tmp_path)
    assert tracker.close(60) is None
    assert not proxy.late
    assert len(creations) == len(expected) + 2
    assert without_clock(contents(sqlite_server.uri, tmp_path.name)) == expected
    client = MlflowClient(sqlite_server.uri)
    experiment = client.get_experiment_by_name(tmp_path.name).experiment_id
    assert len(client.search_runs([experiment], run_view_type=ViewType.DELETED_ONLY)) == 2


@pytest.mark.fault("MLflow's server failing, slow, killed or restarted")
def test_a_slow_server_gets_everything_while_nobody_waits(
    proxy: FaultyProxy, sqlite_server: Server, tracker_to: Open, tmp_path: Path
) -> None:
    goes_on = threading.Event()

    def plan(request: Request) -> None:
        if not goes_on.wait(60):  # whoever waits for the answer gets it, and is noticed
            goes_on.set()

    proxy.plan = plan
    tracker = tracker_to(proxy.url)
    tracker.start_study({"a": 1}, {}, [])
    wait_until(lambda: proxy.requests, "the first request")
    for epoch in range(1, 50):
        tracker.report("none", epoch, {"m": 0.5}, 1.0)
    assert tracker.close(0.1) is not None
    assert not goes_on.is_set(), "all this while nothing was answered"
    goes_on.set()
    # two that deliver at once could both make the study's run
    wait_until(lambda: not deliverers(), "the end of the first one's delivery")
    assert tracker_to(proxy.url).close(60) is None
    assert contents(sqlite_server.uri, tmp_path.name)["inst"]["params"] == {"a": "1"}


def test_a_server_known_to_be_dead_is_not_waited_for(tracker_to: Open, tmp_path: Path) -> None:
    tracker = tracker_to(f"http://127.0.0.1:{free_port()}")
    tell(tracker, tmp_path)
    since = time.monotonic()
    left = tracker.close(600)
    assert time.monotonic() - since < 60
    assert left is not None
    assert "wait in the outbox" in left


def test_a_hung_server_is_not_waited_for_long(
    proxy: FaultyProxy, sqlite_server: Server, tracker_to: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "2")
    over = threading.Event()

    def plan(request: Request) -> None:
        over.wait(PROCESS_SECONDS)

    proxy.plan = plan
    tracker = tracker_to(proxy.url)
    tell(tracker, tmp_path)
    wait_until(lambda: len(proxy.requests) >= 2, "another request after one that was given up")
    since = time.monotonic()
    assert tracker.close(600) is not None
    assert time.monotonic() - since < 60
    over.set()


@pytest.mark.fault("MLflow's server failing, slow, killed or restarted")
def test_a_server_killed_and_restarted_on_the_way(
    tracker_to: Open, tmp_path: Path, postgres: Postgres, expected: Contents
) -> None:
    database, port = postgres.new_database(), free_port()
    tracker = tracker_to(f"http://127.0.0.1:{port}")  # dead from the start
    with serving(tmp_path, database, port) as server, faulty_proxy(server.uri):
        tell(tracker, tmp_path)
        wait_until(lambda: MlflowClient(server.uri).get_experiment_by_name(tmp_path.name), "the first deliveries")
        kill_group(server)
    with serving(tmp_path, database, port) as server:
        assert tracker.close(60) is None
        assert without_clock(contents(server.uri, tmp_path.name)) == expected


@pytest.mark.fault("MLflow's server failing, slow, killed or restarted")
def test_a_database_restarted_under_the_server(
    tracker_to: Open, tmp_path: Path, postgres: Postgres, expected: Contents
) -> None:
    with serving(tmp_path, postgres.new_database()) as server, faulty_proxy(server.uri) as proxy:
        proxy.delay = 0.02  # slow enough to be caught on the way
        tracker = tracker_to(proxy.url)
        tell(tracker, tmp_path)
        for mode in ("immediate", "fast"):
            since = len(proxy.requests)
            wait_until(lambda since=since: len(proxy.requests) > since + 15, "some deliveries")
            postgres.restart(mode, pause=1.0)
        assert tracker.close(60) is None
        assert without_clock(contents(server.uri, tmp_path.name)) == expected


DRIVER = """
import os, sys, time
from pathlib import Path
from saddle.store.local import LocalStore
from saddle.store.ownership.lock import lock_study
from saddle.track.mlflow_tracker import MlflowTracker
from saddle.track.opening import deliver_rest
from saddle_contracts.tracker import ended, tell_ablation
from saddle.trial.run_id import RunId

folder = Path(sys.argv[1])
tracker = MlflowTracker(sys.argv[2], RunId(folder.name, "inst"), LocalStore(folder))
tracker.settle([ended(f"{arm}-{seed}", arm=arm, seed=seed) for arm in ("sta", "mp") for seed in range(2)])
tell_ablation(tracker, LocalStore(folder))
left = tracker.close(100)
print(left)
"""


@pytest.mark.fault("driver killed while MLflow is sent its runs")
def test_a_driver_killed_at_any_moment_of_the_delivery(
    proxy: FaultyProxy, sqlite_server: Server, tmp_path: Path, expected: Contents
) -> None:
    proxy.delay = 0.02
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    for kill_after in (3, 12, 30):
        target = len(proxy.requests) + kill_after
        driver = subprocess.Popen([sys.executable, "-c", DRIVER, tmp_path, proxy.url], env=environment)
        wait_until(lambda target=target: len(proxy.requests) >= target, "deliveries", process=driver)
        driver.send_signal(signal.SIGKILL)
        driver.wait(PROCESS_SECONDS)
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, tmp_path, proxy.url],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PROCESS_SECONDS,
    )
    assert done.stdout == "None\n", done.stdout + done.stderr
    assert without_clock(contents(sqlite_server.uri, tmp_path.name)) == expected
    assert (tmp_path / "studies" / tmp_path.name / "outbox/operations.jsonl").stat().st_size == 0


def test_what_mlflow_refuses_blocks_nothing_else(
    any_server: Server, tracker_to: Open, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tracker = tracker_to(any_server.uri)
    tracker.start_study({"lr": 0.1, "a?b": 1, "depth": 3}, {"saddle.question": "why?"}, [])
    tracker.start_study({"lr": 0.2, "late": 4}, {}, [])  # MLflow lets no parameter change
    tracker.start_trial(started("t"))
    tracker.report("t", 1, {"good": 1.0, "b?d": 2.0, "fine": 3.0}, 5.0)
    tracker.report("unknown", 1, {"good": 1.0}, 5.0)
    tracker.finish_trial(ended("t"), [])
    assert tracker.close(60) is None
    found = contents(any_server.uri, tmp_path.name)
    assert found["inst"]["params"] == {"lr": "0.1", mlflow_name("a?b"): "1", "depth": "3", "late": "4"}
    assert found["inst/t"]["points"]["good"] == [(1, 5000, 1.0)]
    assert found["inst/t"]["points"]["fine"] == [(1, 5000, 3.0)]
    assert found["inst/t"]["points"][mlflow_name("b?d")] == [(1, 5000, 2.0)]
    assert found["inst/t"]["status"] == "FINISHED"
    refused = [record.getMessage() for record in caplog.records if "refused" in record.getMessage()]
    assert len(refused) == 2, refused


@pytest.mark.fault("MLflow's server failing, slow, killed or restarted")
def test_trials_under_way_are_killed_with_the_study_and_run_again_with_it(
    any_server: Server, tracker_to: Open, tmp_path: Path
) -> None:
    def statuses() -> dict[str, str]:
        return {key: run["status"] for key, run in contents(any_server.uri, tmp_path.name).items()}

    first = tracker_to(any_server.uri)
    first.start_study({}, {}, [])
    for key in ("done", "half"):
        first.start_trial(started(key, "mp"))
    first.finish_trial(ended("done", arm="mp"), [])
    first.finish_study("KILLED", {}, StudySummary(), [])
    assert first.close(60) is None
    assert statuses() == {"inst": "KILLED", "inst/arm/mp": "KILLED", "inst/done": "FINISHED", "inst/half": "KILLED"}

    again = tracker_to(any_server.uri)
    again.start_study({}, {}, [])
    again.settle([ended("done", arm="mp")])
    again.start_trial(started("half", "mp"))
    wait_until(lambda: statuses()["inst/half"] == "RUNNING", "the trial's continuing")
    assert statuses() == {"inst": "RUNNING", "inst/arm/mp": "RUNNING", "inst/done": "FINISHED", "inst/half": "RUNNING"}
    again.finish_trial(ended("half", arm="mp"), [])
    again.finish_study("FINISHED", {"mp": ArmSummary({})}, StudySummary(), [])
    assert again.close(60) is None
    assert set(statuses().values()) == {"FINISHED"}


@pytest.mark.fault("MLflow's server failing, slow, killed or restarted")
def test_what_a_killed_driver_did_not_tell_is_told_on_resuming(
    any_server: Server, tracker_to: Open, tmp_path: Path
) -> None:
    """Killed after the ledger's write, before the tracker heard of the end, and of the last epoch."""
    first = tracker_to(any_server.uri)
    first.start_study({}, {}, [])
    first.start_trial(started("t", "mp"))
    first.report("t", 1, {"validation/a": 0.25}, 1_700_000_001.0)
    assert first.close(60) is None
    entry = ended("t", arm="mp")
    curve = [{"validation/a": 0.25}, {"validation/a": 0.5}]
    entry = changed(entry, curve=curve, times=[1_700_000_001.0, 1_700_000_002.0])
    for _ in range(2):
        again = tracker_to(any_server.uri)
        again.start_study({}, {}, [])
        again.settle([entry])
        again.finish_study("FINISHED", {"mp": ArmSummary({"test/a": 0.25})}, StudySummary(), [], entry.ended)
        assert again.close(60) is None
        found = contents(any_server.uri, tmp_path.name)
        assert {key: run["status"] for key, run in found.items()} == dict.fromkeys(found, "FINISHED")
        assert found["inst/t"]["points"]["validation/a"] == [(1, 1_700_000_001_000, 0.25), (2, 1_700_000_002_000, 0.5)]
        assert found["inst/t"]["points"]["test/a"] == [(2, 1_700_000_010_000, 0.25)]
        assert found["inst/arm/mp"]["points"]["test/a"] == [(0, 1_700_000_010_000, 0.25)]


def test_an_arm_that_no_trial_of_this_run_belongs_to_ends_too(
    sqlite_server: Server, tracker_to: Open, tmp_path: Path
) -> None:
    first = tracker_to(sqlite_server.uri)
    first.start_study({}, {}, [])
    for arm in ("sta", "mp"):
        first.start_trial(started(arm, arm))
        first.finish_trial(ended(arm, "failed" if arm == "mp" else "completed", arm=arm), [])
    assert first.close(60) is None  # killed here: nobody told of the study's end
    again = tracker_to(sqlite_server.uri)
    again.finish_study("FINISHED", {"sta": ArmSummary({"test/a": 0.25})}, StudySummary(), [])
    assert again.close(60) is None
    found = contents(sqlite_server.uri, tmp_path.name)
    assert {key: run["status"] for key, run in found.items()} == {
        "inst": "FINISHED", "inst/arm/sta": "FINISHED", "inst/arm/mp": "FINISHED",
        "inst/sta": "FINISHED", "inst/mp": "FAILED",
    }  # fmt: skip


def test_no_thread_is_left(sqlite_server: Server, tracker_to: Open, tmp_path: Path) -> None:
    tracker = tracker_to(sqlite_server.uri)
    tell(tracker, tmp_path)
    assert tracker.close(60) is None
    wait_until(lambda: not deliverers(), "the end of the delivery")


def test_what_waits_is_delivered_by_whoever_opens_the_study_next(
    sqlite_server: Server, tracker_to: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, expected: Contents
) -> None:
    store = LocalStore(tmp_path)
    tracker = tracker_to(f"http://127.0.0.1:{free_port()}")
    tell(tracker, tmp_path)
    assert tracker.close(5) is not None
    monkeypatch.setenv("MLFLOW_TRACKING_URI", sqlite_server.uri)
    with lock_study(store, RunId(tmp_path.name)):
        assert deliver_rest(store, RunId(tmp_path.name, "inst"), 30) is None
        with pytest.raises(AssertionError, match="no experiment"):
            contents(sqlite_server.uri, tmp_path.name)
    assert deliver_rest(store, RunId(tmp_path.name, "inst"), 60) is None
    assert without_clock(contents(sqlite_server.uri, tmp_path.name)) == expected
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    assert deliver_rest(store, RunId(tmp_path.name, "inst"), 60) is None, "nothing is left"
