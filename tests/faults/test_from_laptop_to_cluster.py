"""The README's page "From laptop to cluster": every command of it, on two nodes, one of which dies on the way.

Real are: the Ray cluster (two nodes that lack saddle, with a token), S3 over HTTP, PostgreSQL below MLflow's server
and Optuna, MLflow's server over HTTP, and the browser that looks at its page.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.support.pages import Piece, pieces, runs
from tests.support.postgres import Postgres
from tests.support.ray_nodes import RayNodes, free_port, kill_all
from tests.support.s3 import S3
from tests.support.waiting import PROCESS_SECONDS, wait_until

pytestmark = pytest.mark.fault("a node lost, MLflow away and the driver killed on a cluster")

COMMANDS = pieces("command", under="From laptop to cluster")
LINES = [piece.text for piece in COMMANDS]
[STUDY] = pieces("yaml", under="From laptop to cluster")

TRIALS = 30


@dataclass
class Person:
    """Somebody who types the page's lines one after the other, with other names for its hosts and bucket."""

    folder: Path
    names: dict[str, str]
    environment: dict[str, str]
    typed: list[str] = field(default_factory=list)
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def next_line(self, beginning: str) -> str:
        """The page's next line, which begins so, in this world's names."""
        line = LINES[len(self.typed)]
        assert line.startswith(beginning), f"the page continues with {line!r}"
        self.typed.append(line)
        for name, meant in self.names.items():
            line = line.replace(name, meant)
        return line

    def start(self, line: str, **extra: str) -> subprocess.Popen[str]:
        program, *arguments = shlex.split(line)
        assert program == "saddle"
        process = subprocess.Popen(
            [sys.executable, "-m", "saddle.cli", *arguments], cwd=self.folder, env={**self.environment, **extra},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self.started.append(process)
        return process

    def run(self, line: str, **extra: str) -> str:
        process = self.start(line, **extra)
        said, _ = process.communicate(timeout=240)
        assert process.returncode == 0, f"{line}\n{said}"
        return said


class Tracking:
    """MLflow's server on PostgreSQL, which can be killed and started again at the same address."""

    def __init__(self, database: str, folder: Path) -> None:
        self.database, self.folder, self.port = database, folder, free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, line: str) -> None:
        """Run the page's line, on this server's database and port."""
        options = shlex.split(line)
        assert options[:2] == ["mlflow", "server"]
        assert self.database in options
        with (self.folder / "mlflow.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *options, "--workers", "1"], cwd=self.folder, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True,
                env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"},
            )  # fmt: skip
        wait_until(self.answers, "MLflow's answer", 120)

    def answers(self) -> bool:
        import urllib.request

        try:
            return bool(urllib.request.urlopen(f"{self.uri}/health", timeout=2).status == 200)
        except OSError:
            return False

    def kill(self) -> None:
        import psutil

        if self.process is not None:
            top = psutil.Process(self.process.pid)
            kill_all([top, *top.children(recursive=True)])
            self.process.wait(PROCESS_SECONDS)
            self.process = None


@pytest.fixture
def tracking(postgres: Postgres, tmp_path: Path) -> Iterator[Tracking]:
    server = Tracking(postgres.new_database(), tmp_path)
    yield server
    server.kill()


@pytest.fixture
def person(s3: S3, tmp_path: Path) -> Iterator[Person]:
    clean = {n: v for n, v in os.environ.items() if not n.startswith(("RAY_", "SADDLE_", "MLFLOW_", "TUNE_"))}
    home = tmp_path / "home"
    home.mkdir()
    person = Person(tmp_path, {}, {**clean, "HOME": str(home), "COLUMNS": "200"})
    yield person
    for process in person.started:
        process.kill()
        process.wait(PROCESS_SECONDS)


@pytest.mark.slow
@runs(STUDY, *COMMANDS)
def test_every_command_of_the_page(
    page_pieces: list[Piece], person: Person, s3: S3, postgres: Postgres, tracking: Tracking, browser: Any,
    tmp_path: Path,
) -> None:  # fmt: skip
    study, *_ = page_pieces
    bucket = s3.bucket()
    optuna = postgres.new_database()
    token_line = person.next_line("ray get-auth-token")
    done = subprocess.run(
        [sys.executable, "-m", "ray.scripts.scripts", *shlex.split(token_line)[1:]],
        env=person.environment, capture_output=True, text=True, timeout=PROCESS_SECONDS, check=True,
    )  # fmt: skip
    token = (Path(person.environment["HOME"]) / ".ray/auth_token").read_text().strip()
    assert token in done.stdout
    secret = {name: os.environ[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    with RayNodes(extra={**secret, "SADDLE_OPTUNA_URL": optuna}) as cluster:
        cluster.token = token
        person.names = {
            "http://head:8265": cluster.dashboard,
            "http://head:5000": tracking.uri,
            "http://storage:9000": s3.endpoint,
            "my-bucket": bucket,
            "postgresql://saddle:PASSWORD@head/mlflow": tracking.database,
            "--host 0.0.0.0 --port 5000": f"--host 127.0.0.1 --port {tracking.port}",
            "head:5000": tracking.uri.removeprefix("http://"),
        }
        assert "--head" in person.next_line("ray start")  # what `cluster` runs, with ports and folders of its own
        assert "--address" in person.next_line("ray start")
        cluster.start(2, 2)
        server_line = person.next_line("mlflow server")
        tracking.start(server_line)
        (person.folder / "rates.yaml").write_text(study.text)
        while LINES[len(person.typed)].startswith("export"):
            name, _, value = person.next_line("export").removeprefix("export ").partition("=")
            person.environment[name] = value

        said = person.run(person.next_line("saddle submit"))
        assert "submitted" in said
        status_line = person.next_line("saddle status")
        follow = person.start(person.next_line("saddle logs"))
        entries = ledger_counter(s3, bucket)
        wait_until(lambda: entries() >= 6, "six ended trials", 300)
        assert "running" in person.run(status_line)
        tracking.kill()
        cluster.nodes[1].kill()
        gone_at = entries()
        wait_until(lambda: entries() >= gone_at + 4, "trials on the node that is left", 300)
        tracking.start(server_line)
        log, _ = follow.communicate(timeout=500)
        assert follow.returncode == 0, log
        assert f"[{TRIALS}/{TRIALS}]" in log
        assert "The best of 30 trials" in log
        answers(person, optuna, bucket)
        assert "nothing is left to train" in person.run(
            person.next_line("saddle run"), SADDLE_OPTUNA_URL=optuna, **cluster.access()
        )
    assert person.typed == [piece.text for piece in page_pieces[1:]], "a line of the page was not run"
    look_at_the_page(browser, tracking.uri, tmp_path)


def ledger_counter(s3: S3, bucket: str) -> Callable[[], int]:
    """How many trials of the study have ended."""
    return lambda: len(s3.keys(bucket, "saddle/studies/rates/ledger/"))


def answers(person: Person, optuna: str, bucket: str) -> None:
    """The lines that ask for the answer, and what they must say after all that has happened."""
    verified = person.run(person.next_line("saddle verify") + " --json", SADDLE_OPTUNA_URL=optuna)
    assert [found["differences"] for found in json.loads(verified)] == [[]]
    rows = json.loads(person.run(person.next_line("saddle results") + " --json"))
    assert [row["trial"] for row in rows] == [f"trial-{number:05d}" for number in range(TRIALS)]
    assert {row["outcome"] for row in rows} == {"completed"}, "a machine's death is not a trial's failure"
    assert max(row["attempts"] for row in rows) >= 2, "nothing was under way on the node that died"
    assert f"s3://{bucket}/saddle/studies/rates/report.html" in person.run(person.next_line("saddle report"))
    assert person.run(person.next_line("saddle gc")) == "nothing to remove\n", "the policy was kept as the study ended"


def look_at_the_page(browser: Any, uri: str, folder: Path) -> None:
    """MLflow's page lists the study's run, finished, and below it all 30 trials."""
    from mlflow.tracking import MlflowClient

    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("rates")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id], max_results=200)
    assert len(runs) == TRIALS + 1
    assert {run.info.status for run in runs} == {"FINISHED"}
    browser.get(f"{uri}/#/experiments/{experiment.experiment_id}/runs?workflowType=machine_learning")
    wait = WebDriverWait(browser, 60)
    wait.until(lambda driver: "rates" in driver.find_element(By.TAG_NAME, "body").text)
    expander = "button[data-component-id*='runnamecellrenderer']"
    wait.until(lambda driver: driver.find_elements(By.CSS_SELECTOR, expander))[0].click()
    wait.until(lambda driver: "trial-0002" in driver.find_element(By.TAG_NAME, "body").text)
    browser.save_screenshot(str(folder / "mlflow.png"))
