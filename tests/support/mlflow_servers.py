"""Real MLflow servers, and their whole content for a study."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mlflow.tracking import MlflowClient

from saddle.store.local import LocalStore
from saddle.track.server import Server, serve
from tests.support.waiting import PROCESS_SECONDS

Contents = dict[str, dict[str, Any]]


def contents(uri: str, experiment: str) -> Contents:
    """All of an experiment: each run by its key, every point of every metric, every file; raises for a doubled run."""
    client = MlflowClient(uri)
    known_experiment = client.get_experiment_by_name(experiment)
    assert known_experiment is not None, f"no experiment {experiment}"
    runs = client.search_runs([known_experiment.experiment_id], max_results=1000)
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


def without_clock(runs: Contents) -> Contents:
    """The same without what depends on the time of tracking: the study's own start."""
    return {
        key: {**run, "started": None} if run["tags"]["saddle.level"] == "study" else run for key, run in runs.items()
    }


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


def kill_group(server: Server) -> None:
    """Kill a server and its workers, as in a power cut."""
    os.killpg(server.process.pid, signal.SIGKILL)
    server.process.wait(PROCESS_SECONDS)
