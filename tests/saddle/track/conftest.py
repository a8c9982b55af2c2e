"""What MLflow holds of a study, told apart by nothing but what saddle told it."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow.tracking import MlflowClient

from saddle.store.local import LocalStore
from saddle.track import outbox
from saddle.track.mlflow_tracker import MlflowTracker
from saddle.track.server import Server, serve
from saddle_contracts.tracker import tell_ablation
from tests.support.postgres import Postgres

Contents = dict[str, dict[str, Any]]


def contents(uri: str, experiment: str) -> Contents:
    """All of an experiment: each run by its key, every point of every metric, every file; raises for a doubled run."""
    client = MlflowClient(uri)
    found = client.get_experiment_by_name(experiment)
    assert found is not None, f"no experiment {experiment}"
    runs = client.search_runs([found.experiment_id], max_results=1000)
    keys = {run.info.run_id: run.data.tags["saddle.key"] for run in runs}
    assert len(set(keys.values())) == len(runs), f"a run was made twice: {sorted(keys.values())}"
    return {
        keys[run.info.run_id]: {
            "name": run.info.run_name.replace(experiment, "EXPERIMENT"),
            "status": run.info.status,
            "started": run.info.start_time,
            "ended": run.info.end_time,
            "params": run.data.params,
            "tags": {
                name: "EXPERIMENT" if name == "saddle.study" else value
                for name, value in run.data.tags.items()
                if name.startswith("saddle.")
            },
            "parent": keys.get(run.data.tags.get("mlflow.parentRunId", "")),
            "points": {
                name: [(p.step, p.timestamp, p.value) for p in client.get_metric_history(run.info.run_id, name)]
                for name in run.data.metrics
            },
            "files": sorted(file.path for file in client.list_artifacts(run.info.run_id)),
        }
        for run in runs
    }


def without_clock(found: Contents) -> Contents:
    """The same without what depends on when it was told: the study's own start."""
    return {
        key: {**run, "started": None} if run["tags"]["saddle.level"] == "study" else run for key, run in found.items()
    }


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting a minute for a server is what a study does, not a test."""
    monkeypatch.setattr(outbox, "FIRST_PAUSE", 0.02)
    monkeypatch.setattr(outbox, "LONGEST_PAUSE", 0.2)


@pytest.fixture(scope="session")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Contents:
    """What `tell_ablation` leaves in a database that never was away."""
    folder = tmp_path_factory.mktemp("undisturbed")
    uri = f"sqlite:///{folder}/mlflow.db"
    tracker = MlflowTracker(uri, "undisturbed", "inst", LocalStore(folder), (folder / "artifacts").as_uri())
    tell_ablation(tracker, LocalStore(folder))
    assert tracker.close(90) is None
    return without_clock(contents(uri, "undisturbed"))


@contextlib.contextmanager
def serving(folder: Path, database: str | None = None, port: int = 0) -> Iterator[Server]:
    """A server over `database` (a PostgreSQL), else over SQLite in `folder`."""
    before = os.environ.get("MLFLOW_TRACKING_URI")
    try:
        if database is not None:
            os.environ["MLFLOW_TRACKING_URI"] = database
        with serve(LocalStore(folder), port) as server:
            os.environ.pop("MLFLOW_TRACKING_URI", None)
            yield server
    finally:
        os.environ.pop("MLFLOW_TRACKING_URI", None)
        if before is not None:
            os.environ["MLFLOW_TRACKING_URI"] = before


@contextlib.contextmanager
def working_in(folder: Path) -> Iterator[None]:
    """A server without an artifact root keeps its files where it is started."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@pytest.fixture(scope="session")
def sqlite_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One real server over SQLite; making its tables takes seconds."""
    folder = tmp_path_factory.mktemp("mlflow-sqlite")
    with contextlib.ExitStack() as stack:
        with working_in(folder):
            server = stack.enter_context(serving(folder))
        yield server


@pytest.fixture(scope="session")
def postgresql_server(postgres_server: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One real server over PostgreSQL, which tests must leave running."""
    folder = tmp_path_factory.mktemp("mlflow-postgresql")
    if not postgres_server.running:
        postgres_server.start()
    with contextlib.ExitStack() as stack:
        with working_in(folder):
            server = stack.enter_context(serving(folder, postgres_server.new_database()))
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def any_server(request: pytest.FixtureRequest) -> Server:
    """A server over each kind of database."""
    server: Server = request.getfixturevalue(f"{request.param}_server")
    return server


def kill_group(server: Server) -> None:
    """Kill a server and its workers as a machine's power cut does."""
    os.killpg(server.process.pid, signal.SIGKILL)
    server.process.wait(10)


@pytest.fixture
def tracker_to(tmp_path: Path) -> Callable[[str], MlflowTracker]:
    """A function that opens the tracker of this test's own experiment at an address."""
    return lambda uri: MlflowTracker(uri, tmp_path.name, "inst", LocalStore(tmp_path))
