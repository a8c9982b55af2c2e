"""The command with Optuna and an MLflow server on one PostgreSQL, which goes away in the middle of a study."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import psutil
import pytest
from optuna.trial import TrialState

from saddle.track.server import free_port
from tests.support.mlflow_servers import contents, kill_group, serving, working_in
from tests.support.postgres import Postgres
from tests.support.waiting import PROCESS_SECONDS, wait_until

pytestmark = pytest.mark.fault("PostgreSQL and MLflow restarted or gone")

STUDY = """
study: shared
trainable: parabola
fixed: {epochs: 5, pause: 0.4}
search: {x: {float: [0.0, 1.0]}}
objective: {maximize: validation/score}
sampler: {tpe: {startup_trials: 3, seed: 0}}
budget: {trials: 6}
"""


class Command:
    """`saddle run` in a folder, with what it says kept in a file."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.environment = {**os.environ, **environment}
        (folder / "shared.yaml").write_text(STUDY)

    def start(self, *options: str) -> subprocess.Popen[bytes]:
        with (self.folder / "said").open("ab") as said:
            return subprocess.Popen(
                [sys.executable, "-m", "saddle.cli", "run", "shared.yaml", *options],
                cwd=self.folder, env=self.environment, stdout=said, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    @property
    def said(self) -> str:
        return (self.folder / "said").read_text()

    def finished_trials(self) -> int:
        return len(list((self.folder / "runs/studies/shared/ledger").glob("*.parquet")))

    def results(self) -> list[dict[str, Any]]:
        command = [sys.executable, "-m", "saddle.cli", "results", "shared", "--json"]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        rows: list[dict[str, Any]] = json.loads(done.stdout)
        return rows


@pytest.fixture
def command(postgres: Postgres, tmp_path: Path) -> Iterator[Command]:
    command = Command(tmp_path, SADDLE_OPTUNA_URL=postgres.new_database(), MLFLOW_TRACKING_URI="")
    yield command
    for process in psutil.process_iter():
        try:
            if process.environ().get("SADDLE_OPTUNA_URL") == command.environment["SADDLE_OPTUNA_URL"]:
                process.kill()
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    if not postgres.running:
        postgres.start()


def optuna_study(command: Command) -> optuna.Study:
    instance = json.loads((command.folder / "runs/studies/shared/instance.json").read_text())["instance"]
    return optuna.load_study(study_name=f"shared@{instance}", storage=command.environment["SADDLE_OPTUNA_URL"])


def secrets_written(folder: Path, secret: str) -> list[str]:
    return [str(p) for p in folder.rglob("*") if p.is_file() and secret.encode() in p.read_bytes()]


@pytest.mark.slow
def test_databases_and_the_tracking_server_restarted_in_mid_study(
    command: Command, postgres: Postgres, tmp_path: Path
) -> None:
    database, port = postgres.new_database(), free_port()
    served = tmp_path / "served"
    served.mkdir()
    command.environment["MLFLOW_TRACKING_URI"] = f"http://127.0.0.1:{port}"
    with working_in(served), serving(served, database, port) as server:
        process = command.start()
        wait_until(
            lambda: command.finished_trials() >= 2, "the second trial's end", process=process, show=lambda: command.said
        )
        postgres.restart("immediate", pause=2.0)
        kill_group(server)
        assert process.poll() is None, command.said
    with working_in(served), serving(served, database, port) as server:
        assert process.wait(PROCESS_SECONDS) == 0, command.said
        if "wait in the outbox" in command.said:  # it ended before the server was back
            assert command.start().wait(PROCESS_SECONDS) == 0, command.said
        rows = command.results()
        assert [row["outcome"] for row in rows] == ["completed"] * 6
        trials = optuna_study(command).get_trials()
        assert [(t.number, t.state) for t in trials] == [(n, TrialState.COMPLETE) for n in range(6)]
        assert {t.number: t.value for t in trials} == {
            int(row["trial"].rpartition("-")[2]): row["metrics"]["validation/score"] for row in rows
        }
        found = contents(server.uri, "shared")
        assert len(found) == 7
        assert {run["status"] for run in found.values()} == {"FINISHED"}
        for run in found.values():
            if run["tags"]["saddle.level"] == "trial":
                assert [step for step, _, _ in run["points"]["validation/score"]] == [1, 2, 3, 4, 5]
                assert len(run["points"]["test/score"]) == 1
    assert secrets_written(tmp_path / "runs", postgres.password) == []
    assert postgres.password not in command.said
    assert "does not answer" in command.said, "the wait is told"


@pytest.mark.slow
def test_ctrl_c_while_the_database_is_away_and_going_on_later(command: Command, postgres: Postgres) -> None:
    command.environment["SADDLE_OPTUNA_PATIENCE"] = "3600"
    process = command.start("--no-mlflow")
    wait_until(
        lambda: command.finished_trials() >= 1, "the first trial's end", process=process, show=lambda: command.said
    )
    postgres.stop("immediate")
    wait_until(
        lambda: "does not answer" in command.said, "the search's noticing", process=process, show=lambda: command.said
    )
    process.send_signal(signal.SIGINT)
    assert process.wait(PROCESS_SECONDS) == 130, command.said  # not the hour that a database is waited for
    refused = command.start("--no-mlflow")
    assert refused.wait(PROCESS_SECONDS) == 2, command.said
    assert "start the server or mend the address" in re.sub(r"\s+", " ", command.said)
    postgres.start()
    again = command.start("--no-mlflow")
    assert again.wait(PROCESS_SECONDS) == 0, command.said
    assert [t.state for t in optuna_study(command).get_trials()] == [TrialState.COMPLETE] * 6
    assert [row["outcome"] for row in command.results()] == ["completed"] * 6


@pytest.mark.slow
def test_a_database_that_does_not_come_back_ends_the_study(command: Command, postgres: Postgres) -> None:
    command.environment["SADDLE_OPTUNA_PATIENCE"] = "2"
    process = command.start("--no-mlflow")
    wait_until(
        lambda: command.finished_trials() >= 1, "the first trial's end", process=process, show=lambda: command.said
    )
    postgres.stop("immediate")
    assert process.wait(PROCESS_SECONDS) == 2, command.said
    assert "run the same command when the database is back" in re.sub(r"\s+", " ", command.said)
    assert postgres.password not in command.said
    kept = command.finished_trials()
    assert 1 <= kept < 6
    postgres.start()
    again = command.start("--no-mlflow")
    assert again.wait(PROCESS_SECONDS) == 0, command.said
    assert [t.state for t in optuna_study(command).get_trials()] == [TrialState.COMPLETE] * 6
