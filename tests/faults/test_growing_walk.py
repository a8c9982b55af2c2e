"""A study handed to a cluster that starts with no worker, to its end, and what is left of it once the head is gone.

Real are: the cluster with Ray's own autoscaler, S3 (SeaweedFS), PostgreSQL below MLflow and Optuna, MLflow's server
reached by a name, and the browser. One node dies on the way, one joins, and MLflow's server is restarted.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.faults.test_from_laptop_to_cluster import Tracking
from tests.saddle.submit.conftest import METHODS
from tests.support.autoscaling import AutoscalingNodes
from tests.support.postgres import Postgres
from tests.support.s3 import S3, environment
from tests.support.waiting import PROCESS_SECONDS, wait_until

TRIALS = 40
WALK_SECONDS = 1800
NAME = "localhost"
"""By what MLflow's server is reached: a name, which it has to be allowed to answer."""

STUDY = f"""
study: walk
question: Where is the top of the parabola?
trainable: parabola
fixed: {{epochs: 4, pause: 0.3}}
search: {{x: {{float: [0.0, 1.0]}}, bend: {{float: [0.0, 1.0]}}}}
objective: {{maximize: validation/score}}
sampler: {{tpe: {{startup_trials: 8, seed: 0}}}}
budget: {{trials: {TRIALS}}}
resources: {{slots: 2}}
"""


class Walker:
    """Runs saddle in a folder, with the world's addresses in its environment."""

    def __init__(self, folder: Path, world: dict[str, str]) -> None:
        clean = {n: v for n, v in os.environ.items() if not n.startswith(("RAY_", "SADDLE_", "MLFLOW_", "TUNE_"))}
        self.folder = folder
        self.environment = {**clean, "SADDLE_HOME": str(folder / "home"), "COLUMNS": "200", **world}

    def run(self, *words: str, **extra: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "saddle.cli", *words], cwd=self.folder, env={**self.environment, **extra},
            capture_output=True, text=True, timeout=900,
        )  # fmt: skip
        assert done.returncode == 0, f"{words}\n{done.stdout}{done.stderr}"
        return done.stdout


@pytest.fixture
def tracking(postgres: Postgres, tmp_path: Path) -> Iterator[Tracking]:
    server = Tracking(postgres.new_database(), tmp_path)
    yield server
    server.kill()


def server_line(tracking: Tracking) -> str:
    return (
        f"mlflow server --backend-store-uri {tracking.database} --host 127.0.0.1 --port {tracking.port}"
        f" --allowed-hosts {NAME}:{tracking.port}"
    )


@pytest.mark.fault("a growing cluster, a node lost, one joining, MLflow restarted, the head gone")
@pytest.mark.slow
@pytest.mark.timeout(3 * WALK_SECONDS)
def test_forty_trials_on_a_cluster_that_starts_with_no_worker_and_the_bucket_alone_afterwards(
    real_s3: S3, postgres: Postgres, tracking: Tracking, browser: Any, tmp_path: Path
) -> None:
    bucket, optuna, begun = real_s3.bucket(), postgres.new_database(), time.monotonic()
    storage, uri = f"s3://{bucket}/saddle", f"http://{NAME}:{tracking.port}"
    walker = Walker(tmp_path, {"SADDLE_STORAGE": storage, "MLFLOW_TRACKING_URI": uri})
    (tmp_path / "walk.yaml").write_text(STUDY)
    tracking.start(server_line(tracking))
    with AutoscalingNodes(most=2, extra={**environment(real_s3.endpoint), "SADDLE_OPTUNA_URL": optuna}) as cluster:
        cluster.start(0)
        access = cluster.access()
        submit = ("submit", "walk.yaml", "--address", cluster.dashboard, "--detach", "--package", str(METHODS))
        assert walker.run(*submit, **access).startswith("saddle-walk-")
        ended = ledger_counter(real_s3, bucket)
        say("submitted", begun)
        wait_until(lambda: ended() >= 6, "six ended trials", WALK_SECONDS, pause=2, show=lambda: logs(walker, cluster))
        say(f"{ended()} ended on {len(cluster.raylets())} nodes", begun)
        cluster.kill_worker()
        tracking.kill()
        gone_at = ended()
        wait_until(lambda: ended() >= gone_at + 4, "trials on the node that is left", WALK_SECONDS, pause=2)
        cluster.join()
        tracking.start(server_line(tracking))
        say(f"{ended()} ended, a node and MLflow killed, a node joins, MLflow is back", begun)
        wait_until(
            lambda: "walk: finished" in walker.run("status", "walk"), "the study's end", WALK_SECONDS, pause=5,
            show=lambda: logs(walker, cluster),
        )  # fmt: skip
        said = logs(walker, cluster)
        assert "waiting for a node" in said
        assert f"The best of {TRIALS} trials" in said
        say("finished", begun)
        require_all(walker, SADDLE_OPTUNA_URL=optuna)
        wait_until(lambda: len(cluster.raylets()) <= 1, "the end of idle nodes", 300, pause=2)  # that which joined
    look_at_the_page(browser, uri, tmp_path)
    say("verified and looked at; the head, its disk and its databases go", begun)
    tracking.kill()
    shutil.rmtree(tmp_path / "home", ignore_errors=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(tmp_path / "walk.yaml", elsewhere)
    other = Walker(elsewhere, {"SADDLE_STORAGE": storage})
    other.run("verify", "walk", "--repair")
    require_all(other)
    assert "nothing is left to train" in other.run("run", "walk.yaml")
    say("read again from the bucket alone", begun)


def say(what: str, begun: float) -> None:
    print(f"{time.monotonic() - begun:6.0f} s: {what}", flush=True)


def logs(walker: Walker, cluster: AutoscalingNodes) -> str:
    return walker.run("logs", "walk", "--address", cluster.dashboard, **cluster.access())


def ledger_counter(s3: S3, bucket: str) -> Callable[[], int]:
    """How many trials of the study have ended."""
    return lambda: len(s3.keys(bucket, "saddle/studies/walk/ledger/"))


def require_all(walker: Walker, **extra: str) -> None:
    """Every trial completed and there once, and nothing differs between the ledger and what follows from it."""
    verified = json.loads(walker.run("verify", "walk", "--json", **extra))
    assert [(found["differences"], found["unfinished"]) for found in verified] == [([], [])]
    rows = json.loads(walker.run("results", "walk", "--json", **extra))
    assert [row["trial"] for row in rows] == [f"trial-{number:05d}" for number in range(TRIALS)]
    assert {row["outcome"] for row in rows} == {"completed"}


def look_at_the_page(browser: Any, uri: str, folder: Path) -> None:
    """MLflow's page, by the name of its server: the study's run and all trials, finished."""
    from mlflow.tracking import MlflowClient

    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("walk")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id], max_results=200)
    assert len(runs) == TRIALS + 1
    assert {run.info.status for run in runs} == {"FINISHED"}
    browser.get(f"{uri}/#/experiments/{experiment.experiment_id}/runs?workflowType=machine_learning")
    wait = WebDriverWait(browser, PROCESS_SECONDS)
    wait.until(lambda driver: "walk" in driver.find_element(By.TAG_NAME, "body").text)
    expander = "button[data-component-id*='runnamecellrenderer']"
    wait.until(lambda driver: driver.find_elements(By.CSS_SELECTOR, expander))[0].click()
    wait.until(lambda driver: "trial-0002" in driver.find_element(By.TAG_NAME, "body").text)
    browser.save_screenshot(str(folder / "walk.png"))
