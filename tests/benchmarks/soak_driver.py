"""Thousands of trivial trials through one driver, then plain Ray Tune: memory, ask time, seconds a trial.

`make soak`; SADDLE_SOAK_TRIALS and SADDLE_SOAK_PEER_TRIALS make it smaller. The peer is Ray Tune with Optuna's
searcher and its MLflow callback on the same MLflow server, in a separate process. Results are printed as they
come, so that a run that is stopped has printed some.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from saddle.archive.progress import Progress
from saddle.cluster.capacity.resources import Nodes
from saddle.execute import driver
from saddle.execute.driver import Options, run_study
from saddle.search.optuna_search import OptunaSearch
from saddle.store.local import LocalStore
from saddle.study.models import Study
from saddle.studyfile.loader import parse_studies
from saddle.track import server as server_module
from saddle.track.server import Server, serve

TRIALS = int(os.environ.get("SADDLE_SOAK_TRIALS", "5000"))
PEER_TRIALS = int(os.environ.get("SADDLE_SOAK_PEER_TRIALS", str(min(500, TRIALS))))
STEPS = sorted({step for step in (100, 500, 1000, 2000, TRIALS) if step <= TRIALS})
WINDOW = 50
"""Trials over which the seconds of a trial are taken."""
PAGE_SECONDS = 60.0

STUDY = f"""
study: soak
trainable: parabola
fixed: {{epochs: 1}}
search: {{x: {{float: [0.0, 1.0]}}, bend: {{float: [0.0, 1.0]}}}}
objective: {{maximize: validation/score}}
sampler: {{tpe: {{startup_trials: 10, seed: 0}}}}
budget: {{trials: {TRIALS}}}
"""

PEER = """
import json, os, sys, time
import optuna, psutil, ray
from ray import tune
from ray.air.integrations.mlflow import MLflowLoggerCallback
from ray.tune.search.optuna import OptunaSearch
trials, uri, folder = int(sys.argv[1]), sys.argv[2], sys.argv[3]
asks, ends = [], []

class Timed(OptunaSearch):
    def suggest(self, trial_id):
        since = time.perf_counter()
        suggestion = super().suggest(trial_id)
        asks.append(time.perf_counter() - since)
        return suggestion

class Notes(tune.Callback):
    def on_trial_complete(self, iteration, trials, trial, **info):
        ends.append((time.perf_counter(), psutil.Process().memory_info().rss / 2**20, asks[-1]))
        if len(ends) in (100, 500, 1000, 2000, 5000) or len(ends) == int(sys.argv[1]):
            print(json.dumps([len(ends), *ends[-1], ends[max(0, len(ends) - 51)][0]]), flush=True)

def parabola(config):
    tune.report({"score": 1 - (config["x"] - 0.3) ** 2 - config["bend"]})

ray.init(include_dashboard=False, log_to_driver=False)
optuna.logging.set_verbosity(optuna.logging.WARNING)
tune.Tuner(
    tune.with_resources(parabola, {"cpu": 1}),
    param_space={"x": tune.uniform(0, 1), "bend": tune.uniform(0, 1)},
    tune_config=tune.TuneConfig(
        metric="score", mode="max", num_samples=trials, max_concurrent_trials=os.cpu_count(),
        search_alg=Timed(sampler=optuna.samplers.TPESampler(seed=0)),
    ),
    run_config=tune.RunConfig(
        storage_path=folder, verbose=0,
        callbacks=[Notes(), MLflowLoggerCallback(tracking_uri=uri, experiment_name="peer")],
    ),
).fit()
"""


@dataclass
class Gauge:
    """Records for every trial that ends the time, the driver's memory, and the duration of the last ask."""

    moments: list[float] = field(default_factory=list)
    asks: list[float] = field(default_factory=list)

    def changed(self, progress: Progress, event: str | None) -> None:
        while progress.fresh > len(self.moments):
            self.moments.append(time.perf_counter())
            if len(self.moments) in STEPS:
                self.say()

    def say(self) -> None:
        trials, megabytes = len(self.moments), psutil.Process().memory_info().rss / 2**20
        late = self.asks[-WINDOW:]
        print_row("saddle", trials, self.seconds_at(trials), 1000 * sum(late) / len(late), megabytes)

    def seconds_at(self, trials: int) -> float:
        """Seconds a trial over the window that ends with this trial."""
        first = max(0, trials - 1 - WINDOW)
        return (self.moments[trials - 1] - self.moments[first]) / (trials - 1 - first)


def print_row(who: str, trials: int, seconds: float, ask: float, megabytes: float) -> None:
    print(
        f"{who:7} {trials:6} trials: {seconds:.3f} s a trial, ask {ask:.1f} ms, driver {megabytes:.0f} MB", flush=True
    )


def run_peer(uri: str, folder: Path) -> None:
    """The peer's trials, a row printed at each step; skips nothing: if it fails, so does the soak."""
    command = [sys.executable, "-c", PEER, str(PEER_TRIALS), uri, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        rows = 0
        for line in process.stdout:
            if line.startswith("["):
                trials, moment, megabytes, ask, earlier = json.loads(line)
                window = min(WINDOW, trials - 1)
                print_row("peer", trials, (moment - earlier) / window, 1000 * ask, megabytes)
                rows += 1
    assert process.returncode == 0
    assert rows, "the peer printed nothing"


def seconds_of_page(server: Server, path: str, body: dict[str, Any] | None = None) -> float:
    """How long the server takes for a page, or for a POST request of a page."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(server.uri + path, data, {"Content-Type": "application/json"})
    since = time.perf_counter()
    with urllib.request.urlopen(request, timeout=PAGE_SECONDS) as answer:
        answer.read()
    return time.perf_counter() - since


def seconds_of_study_page(server: Server) -> dict[str, float]:
    """The seconds of the study's page: the page itself, its first table of runs, and the table sorted by a metric."""
    from mlflow.tracking import MlflowClient

    experiment = MlflowClient(server.uri).get_experiment_by_name("soak")
    assert experiment is not None
    search = {"experiment_ids": [experiment.experiment_id], "max_results": 100}
    by_score = {**search, "order_by": ["metrics.`validation/score` DESC"]}
    return {
        "page": seconds_of_page(server, "/"),
        "first 100 runs": seconds_of_page(server, "/api/2.0/mlflow/runs/search", search),
        "best 100 runs": seconds_of_page(server, "/api/2.0/mlflow/runs/search", by_score),
    }


@pytest.mark.timeout(0)
def test_thousands_of_trials(ray_session: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gauge = Gauge()
    ask = OptunaSearch.next

    def timed(search: OptunaSearch) -> Any:
        since = time.perf_counter()
        spec = ask(search)
        gauge.asks.append(time.perf_counter() - since)
        return spec

    def listen(study: Study) -> Gauge:
        return gauge

    monkeypatch.setattr(OptunaSearch, "next", timed)
    monkeypatch.setattr(driver, "DELIVERY_SECONDS", 3600.0)
    monkeypatch.setattr(server_module, "START_SECONDS", 1800.0)  # on a busy machine
    [study] = parse_studies(STUDY, "soak.yaml")
    store = LocalStore(tmp_path / "runs")
    print(f"\n{TRIALS} trivial trials, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}", flush=True)
    with serve(LocalStore(tmp_path / "mlflow")) as server:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
        since = time.perf_counter()
        ended = run_study(study, store, ray_session, Options(listener=listen, check=False))
        print(f"from the first trial to the report {time.perf_counter() - since:.0f} s", flush=True)
        assert ended.undelivered is None, ended.undelivered
        pages = seconds_of_study_page(server)
        waits = ", ".join(f"{what} {seconds:.2f} s" for what, seconds in pages.items())
        print(f"MLflow with all runs: {waits}; report {Path(ended.report).stat().st_size / 2**20:.1f} MB", flush=True)
        run_peer(server.uri, tmp_path / "peer")
    assert len(ended.entries) == TRIALS
    assert {entry.outcome for entry in ended.entries} == {"completed"}
    assert max(pages.values()) < PAGE_SECONDS
