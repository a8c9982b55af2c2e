"""Trackers that wait only briefly, servers that tests share, and what an undisturbed study leaves in MLflow."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from saddle.store.local import LocalStore
from saddle.track import outbox
from saddle.track.mlflow_tracker import MlflowTracker
from saddle.track.server import Server
from saddle.trial.run_id import RunId
from saddle_contracts.tracker import tell_ablation
from tests.support.mlflow_servers import Contents, contents, serving, without_clock, working_in
from tests.support.postgres import Postgres


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
    tracker = MlflowTracker(uri, RunId("undisturbed", "inst"), LocalStore(folder), (folder / "artifacts").as_uri())
    tell_ablation(tracker, LocalStore(folder))
    assert tracker.close(90) is None
    return without_clock(contents(uri, "undisturbed"))


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


@pytest.fixture
def tracker_to(tmp_path: Path) -> Callable[[str], MlflowTracker]:
    """A function that opens the tracker of this test's own experiment at an address."""
    return lambda uri: MlflowTracker(uri, RunId(tmp_path.name, "inst"), LocalStore(tmp_path))
