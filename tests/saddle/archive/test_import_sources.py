"""Results that MLflow or Ray Tune have kept, as tables: failed runs are failed seeds, and what runs is left out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from saddle.archive.imported.results import TableColumns, metric_column, read_results
from saddle.archive.imported.source import read_source
from saddle.archive.imported.table import ResultTable
from saddle.errors import TableError


@pytest.fixture
def experiment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An experiment of a real MLflow: two arms with two seeds nested in a parent, one failed, one under way."""
    from mlflow.tracking import MlflowClient

    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    client = MlflowClient()
    kept = client.create_experiment("warm up", artifact_location=str(tmp_path / "artifacts"))
    parent = client.create_run(kept, run_name="sweep").info.run_id
    client.set_terminated(parent)
    ends = {("plain", 0): "FINISHED", ("plain", 1): "FINISHED", ("warm", 0): "FINISHED", ("warm", 1): "FAILED",
            ("warm", 2): None}  # fmt: skip
    for (arm, seed), status in ends.items():
        run = client.create_run(kept, tags={"mlflow.parentRunId": parent}).info.run_id
        client.log_param(run, "arm", arm)
        client.log_param(run, "seed", seed)
        for step, value in enumerate((0.1, 0.5 + 0.1 * seed)):
            client.log_metric(run, "robust", value, step=step)
        if status is not None:
            client.set_terminated(run, status)
    return "mlflow:warm up"


def test_an_mlflow_experiment_is_a_table_of_its_runs(experiment: str) -> None:
    table = read_source(experiment)
    columns = TableColumns("params.arm", "params.seed", [metric_column("metrics.robust", {}, [])])
    results = {(result.arm, result.seed): dict(result.metrics) for result in read_results(table, columns)}
    assert results == {
        ("plain", 0): {"test/robust": 0.5},
        ("plain", 1): {"test/robust": 0.6},
        ("warm", 0): {"test/robust": 0.5},
        ("warm", 1): {},
    }
    assert table.sha256 == read_source(experiment).sha256


def test_an_experiment_that_is_not_there_names_the_nearest(experiment: str) -> None:
    with pytest.raises(TableError, match="no experiment 'warmup'; did you mean warm up"):
        read_source("mlflow:warmup")


TUNE = """
import sys
import ray
from ray import tune

def train(config):
    for epoch in range(3):
        tune.report({"robust": 0.1 * epoch + 0.01 * config["seed"], "eval": {"clean": 0.9}})
        if config["arm"] == "warm" and config["seed"] == 1:
            raise ArithmeticError("diverged")

ray.init(num_cpus=2, include_dashboard=False, object_store_memory=100 * 2**20)
space = {"arm": tune.grid_search(["plain", "warm"]), "seed": tune.grid_search([0, 1])}
tune.Tuner(train, param_space=space, run_config=tune.RunConfig(name="t", storage_path=sys.argv[1])).fit()
"""


@pytest.mark.long
def test_a_folder_of_ray_tune_is_a_table_of_its_trials(tmp_path: Path) -> None:
    """Of a process without saddle, whose own runs leave out Tune's files."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("TUNE_", "RAY_"))}
    done = subprocess.run(
        [sys.executable, "-c", TUNE, str(tmp_path)], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    table = read_source(str(tmp_path / "t"))
    assert isinstance(table, ResultTable)
    metrics = [metric_column(name, {}, []) for name in ("robust", "eval/clean=test/clean_accuracy")]
    columns = TableColumns("config/arm", "config/seed", metrics)
    results = {(result.arm, result.seed): dict(result.metrics) for result in read_results(table, columns)}
    assert results.pop(("warm", 1)) == {}
    assert results[("plain", 1)] == pytest.approx({"test/robust": 0.21, "test/clean_accuracy": 0.9})
    assert set(results) == {("plain", 0), ("plain", 1), ("warm", 0)}


def test_another_folder_is_none_of_ray_tune(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"not a folder of Ray Tune results: no folder in it has params\.json"):
        read_source(str(tmp_path))
