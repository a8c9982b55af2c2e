"""MLflow for real: a SQLite database, a server over HTTP, and a server that is dead."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from saddle.errors import NoServer, StorageError
from saddle.store.local import LocalStore
from saddle.track.base import Tracker
from saddle.track.mlflow_sink import MlflowSink
from saddle.track.mlflow_tracker import MlflowTracker
from saddle.track.opening import open_tracker as open_for_store
from saddle.track.opening import tracking_uri
from saddle.track.outbox import Operation
from saddle.track.server import Server, free_port, page_of, serve
from saddle.track.trial_payload import param_texts
from saddle.trial.run_id import RunId
from saddle_contracts.tracker import TrackerContract, ended, started, tell_ablation


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One database for the module: making its tables takes seconds."""
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow') / 'mlflow.db'}"


@pytest.fixture
def open_mlflow(database: str, tmp_path: Path) -> Callable[[], Tracker]:
    artifacts = (tmp_path / "artifacts").as_uri()
    return lambda: MlflowTracker(database, RunId(tmp_path.name, "inst"), LocalStore(tmp_path), artifacts)


def runs_of(uri: str, experiment: str) -> dict[str, Run]:
    client = MlflowClient(uri)
    found = client.get_experiment_by_name(experiment)
    assert found is not None
    runs = client.search_runs([found.experiment_id])
    keys = [run.data.tags["saddle.key"] for run in runs]
    assert len(keys) == len(set(keys)), "a run was made twice"
    return dict(zip(keys, runs, strict=True))


class TestMlflowTracker(TrackerContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> LocalStore:
        return LocalStore(tmp_path)

    @pytest.fixture
    def open_tracker(self, open_mlflow: Any) -> Any:
        return open_mlflow

    @pytest.fixture
    def delivery_allowed(self, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
        allowed, deliver = threading.Event(), MlflowSink.__call__

        def deliver_once_allowed(sink: MlflowSink, operations: Sequence[Operation]) -> Iterator[int]:
            if not allowed.wait(60):
                allowed.set()
            return deliver(sink, operations)

        monkeypatch.setattr(MlflowSink, "__call__", deliver_once_allowed)
        return allowed


class TestTracker(TrackerContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> LocalStore:
        return LocalStore(tmp_path)

    @pytest.fixture
    def open_tracker(self) -> Any:
        return Tracker


def test_study_arm_and_seed_are_nested(open_mlflow: Callable[[], Tracker], database: str, tmp_path: Path) -> None:
    for _ in range(2):  # telling it again, as after a crash, changes nothing
        tracker = open_mlflow()
        tell_ablation(tracker, LocalStore(tmp_path))
        assert tracker.close(60) is None
    runs = runs_of(database, tmp_path.name)
    assert sorted(runs) == [
        "inst",
        "inst/arm/mp",
        "inst/arm/sta",
        *(f"inst/{a}-{s}" for a in ("mp", "sta") for s in (0, 1)),
    ]
    parent = {key: run.data.tags.get("mlflow.parentRunId") for key, run in runs.items()}
    assert parent["inst"] is None
    assert parent["inst/arm/mp"] == runs["inst"].info.run_id
    assert parent["inst/mp-1"] == runs["inst/arm/mp"].info.run_id
    assert {run.info.status for run in runs.values()} == {"FINISHED"}


def test_the_items_of_a_checklist_are_tags_of_a_run_that_has_ended(
    open_mlflow: Callable[[], Tracker], database: str, tmp_path: Path
) -> None:
    tracker = open_mlflow()
    tell_ablation(tracker, LocalStore(tmp_path))
    tracker.close(60)
    run = runs_of(database, tmp_path.name)["inst/mp-0"]
    assert run.data.tags["saddle.check.black_box"] == "fail: Square fools 12 images"
    assert run.data.tags["saddle.badge"] == "withheld: fails black_box: Square fools 12 images"
    assert run.info.status == "FINISHED"


def test_a_run_has_readable_parameters_all_epochs_and_its_own_times(
    open_mlflow: Callable[[], Tracker], database: str, tmp_path: Path
) -> None:
    tracker = open_mlflow()
    tell_ablation(tracker, LocalStore(tmp_path))
    tracker.close(60)
    run = runs_of(database, tmp_path.name)["inst/mp-0"]
    assert run.info.run_name == "seed 0 · mp"
    assert run.data.params == {"lr": "0.1", "dataset.folder": "x", "tasks": "a, b", "seed": "0"}
    assert run.data.metrics["test/a"] == 0.25
    assert run.data.metrics["last_test/a"] == 0.2
    history = MlflowClient(database).get_metric_history(run.info.run_id, "validation/a")
    assert [(point.step, point.value, point.timestamp) for point in history] == [
        (1, 0.25, 1_700_000_001_000),
        (2, 0.5, 1_700_000_002_000),
    ]
    assert (run.info.start_time, run.info.end_time) == (1_700_000_000_000, 1_700_000_010_000)
    assert run.data.tags["saddle.data"] == "abc"
    files = MlflowClient(database).list_artifacts(run.info.run_id)
    assert [file.path for file in files] == ["note.txt"]


@pytest.mark.parametrize(
    ("outcome", "status"),
    [("completed", "FINISHED"), ("pruned", "FINISHED"), ("collapsed", "FINISHED"), ("diverged", "FINISHED"),
     ("failed", "FAILED"), ("timed_out", "KILLED")],
)  # fmt: skip
def test_a_run_ends_as_the_outcome_table_says(
    open_mlflow: Callable[[], Tracker], database: str, tmp_path: Path, outcome: str, status: str
) -> None:
    tracker = open_mlflow()
    tracker.start_study({}, {}, [])
    tracker.start_trial(started("t"))
    tracker.finish_trial(ended("t", outcome), [])
    assert tracker.close(60) is None
    run = runs_of(database, tmp_path.name)["inst/t"]
    assert run.info.status == status
    assert run.data.tags["saddle.outcome"] == outcome


@pytest.mark.parametrize("drivers", [1, 2], ids=["one driver", "another driver"])
def test_a_trial_that_is_started_over_has_a_run_of_its_last_attempt_alone(
    open_mlflow: Callable[[], Tracker], database: str, tmp_path: Path, drivers: int
) -> None:
    """`--retry failed` and `--again` begin a trial of an ablation again under its name."""
    tracker = open_mlflow()
    tracker.start_study({}, {}, [])
    values = {"first": 0.125, "second": 0.25}
    for attempt, outcome in (("first", "failed"), ("second", "completed")):
        tracker.start_trial(started("t"))
        for epoch in (1, 2):
            tracker.report("t", epoch, {"validation/a": values[attempt]}, 1_700_000_000 + epoch)
        tracker.finish_trial(ended("t", outcome), [])
        if drivers == 2:
            assert tracker.close(60) is None
            tracker = open_mlflow()
    assert tracker.close(60) is None
    run = runs_of(database, tmp_path.name)["inst/t"]
    client, points = MlflowClient(database), {}
    for metric in ("validation/a", "test/a", "seconds"):
        points[metric] = [(p.step, p.value) for p in client.get_metric_history(run.info.run_id, metric)]
    assert points == {"validation/a": [(1, 0.25), (2, 0.25)], "test/a": [(2, 0.25)], "seconds": [(2, 1.5)]}
    assert (run.info.status, run.data.tags["saddle.outcome"]) == ("FINISHED", "completed")
    assert "saddle.why" not in run.data.tags


def test_a_trial_that_goes_on_or_is_resent_keeps_its_run(
    open_mlflow: Callable[[], Tracker], database: str, tmp_path: Path
) -> None:
    tracker = open_mlflow()
    assert isinstance(tracker, MlflowTracker)
    tracker.start_study({}, {}, [])
    tracker.start_trial(started("t"))
    tracker.report("t", 1, {"validation/a": 0.125}, 1_700_000_001)
    assert tracker.close(60) is None
    begun = runs_of(database, tmp_path.name)["inst/t"].info.run_id
    tracker = open_mlflow()
    assert isinstance(tracker, MlflowTracker)
    tracker.start_trial(started("t"))
    tracker.finish_trial(ended("t"), [])
    tracker.start_trial(started("t"), resent=True)
    assert tracker.close(60) is None
    run = runs_of(database, tmp_path.name)["inst/t"]
    assert run.info.run_id == begun
    assert [p.step for p in MlflowClient(database).get_metric_history(begun, "validation/a")] == [1]


def test_a_message_mlflow_refuses_for_good_does_not_block_the_others(
    open_mlflow: Callable[[], Tracker], database: str, tmp_path: Path
) -> None:
    tracker = open_mlflow()
    tracker.start_study({"lr": 0.1}, {}, [])
    tracker.start_study({"lr": 0.2}, {}, [])  # MLflow lets no parameter change
    tracker.start_trial(started("t"))
    assert tracker.close(60) is None
    assert runs_of(database, tmp_path.name)["inst"].data.params["lr"] == "0.1"
    assert "inst/t" in runs_of(database, tmp_path.name)


def test_mlflow_prints_warnings_only_whenever_it_is_imported() -> None:
    """Another thread may finish its import after the sink has set the level of its loggers."""
    code = (
        "from saddle.track.client_settings import be_brief; be_brief(); import logging, mlflow;"
        " print(logging.getLevelName(logging.getLogger('mlflow').level))"
    )
    unset = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    printed = subprocess.run([sys.executable, "-c", code], env=unset, capture_output=True, text=True, timeout=120)
    assert printed.stdout == "WARNING\n", printed.stderr


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serve(LocalStore(tmp_path_factory.mktemp("served"))) as running:
        yield running


def test_a_server_over_http_gets_the_same_runs(server: Server, tmp_path: Path) -> None:
    tracker = MlflowTracker(server.uri, RunId(tmp_path.name, "inst"), LocalStore(tmp_path))
    tell_ablation(tracker, LocalStore(tmp_path))
    assert tracker.close(90) is None
    assert len(runs_of(server.uri, tmp_path.name)) == 7


def test_the_page_of_a_study_is_that_of_its_training_runs(server: Server, tmp_path: Path) -> None:
    tracker = MlflowTracker(server.uri, RunId(tmp_path.name, "inst"), LocalStore(tmp_path))
    tracker.start_study({}, {}, [])
    assert tracker.close(60) is None
    assert page_of(server.uri, RunId(tmp_path.name, "inst")).endswith("/runs?workflowType=machine_learning")
    with pytest.raises(NoServer, match="knows no study 'other'"):
        page_of(server.uri, RunId("other"))
    with pytest.raises(NoServer, match="does not answer"):
        page_of(f"http://127.0.0.1:{free_port()}", RunId("any"))


def test_a_server_that_is_dead_at_first_gets_everything_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    first = MlflowTracker(f"http://127.0.0.1:{port}", RunId("study", "inst"), LocalStore(tmp_path))
    tell_ablation(first, LocalStore(tmp_path))
    left = first.close(60)
    assert left is not None
    assert "wait in the outbox" in left
    with serve(LocalStore(tmp_path / "store"), port) as late:
        second = MlflowTracker(late.uri, RunId("study", "inst"), LocalStore(tmp_path))
        assert second.close(90) is None
        runs = runs_of(late.uri, "study")
    assert len(runs) == 7
    assert {run.info.status for run in runs.values()} == {"FINISHED"}


def test_what_the_outbox_s_file_names_is_no_file_elsewhere_and_no_method(
    database: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "secret.txt").write_text("a secret")
    store = LocalStore(tmp_path / "store")
    store.write("studies/x/report.html", b"a report")
    sink = MlflowSink(database, tmp_path.name, (tmp_path / "artifacts").as_uri(), store.read)
    run = {"do": "run", "key": "inst", "parent": None, "name": "x", "time": 1, "tags": {}, "params": {}}
    files = [{"do": "file", "key": "inst", "path": path, "folder": None} for path in (
        "../secret.txt", str(tmp_path / "secret.txt"), "studies/../../secret.txt", "studies/x/report.html",
    )]  # fmt: skip
    others = [{"do": "_init__", "key": "inst"}, {"do": "run_id", "key": "inst"}, {"key": "inst"}, {"do": ["end"]}]
    operations = [run, *files, *others]
    assert list(sink(operations))[-1] == len(operations), "what follows is blocked"
    assert [path.read_text() for path in (tmp_path / "artifacts").rglob("*") if path.is_file()] == ["a report"]
    assert caplog.text.count("is not a path in a storage") == 3
    assert caplog.text.count("a line of the outbox was damaged") == 4


def test_the_file_store_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = LocalStore(tmp_path)
    assert tracking_uri(store).startswith("sqlite:///")
    for uri in ("mlruns", "file:///tmp/mlruns"):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        with pytest.raises(StorageError, match="file store"):
            tracking_uri(store)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    assert tracking_uri(store) == "http://127.0.0.1:1"


def test_tracking_can_be_turned_off(tmp_path: Path) -> None:
    assert isinstance(open_for_store(LocalStore(tmp_path), RunId("s", "i"), enabled=False), Tracker)


def test_nested_parameters_become_dotted_names() -> None:
    assert param_texts({"a": {"b": {"c": 1}}, "d": [1, 2], "e": {}, "f": None}) == {
        "a.b.c": "1",
        "d": "1, 2",
        "e": "{}",
        "f": "None",
    }
