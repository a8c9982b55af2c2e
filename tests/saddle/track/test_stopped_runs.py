"""The command ended by Ctrl-C and by SIGKILL: at last MLflow holds every run and every epoch once, none RUNNING."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.mlflow_servers import Contents, contents
from tests.support.waiting import PROCESS_SECONDS, wait_until

pytestmark = pytest.mark.fault("driver stopped at any moment: no run left running")

STUDY = """
study: stopped
trainable: parabola
fixed: {epochs: 5, pause: 0.4}
ablation:
  baseline: {x: 0.3}
  factors: {x: [0.3, 0.5]}
  seeds: 3
  compare: {metric: test/score}
"""
EPOCHS = [1, 2, 3, 4, 5]


class Driver:
    """`saddle run` in a folder, as often as it takes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mark = str(folder)
        (folder / "stopped.yaml").write_text(STUDY)

    def start(self) -> subprocess.Popen[bytes]:
        with (self.folder / "said").open("ab") as said:
            return subprocess.Popen(
                [sys.executable, "-m", "saddle.cli", "run", "stopped.yaml"],
                cwd=self.folder, stdout=said, stderr=subprocess.STDOUT,
                env={**os.environ, "SADDLE_TEST_MARK": self.mark},
            )  # fmt: skip

    def kill(self) -> None:
        """Everything that was started in this folder, at once."""
        for process in psutil.process_iter():
            try:
                if process.environ().get("SADDLE_TEST_MARK") == self.mark:
                    process.kill()
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue

    def finished(self) -> int:
        return len(list((self.folder / "runs/studies/stopped/ledger").glob("*.parquet")))

    def tracked(self) -> Contents:
        return contents(f"sqlite:///{self.folder}/runs/mlflow/mlflow.db", "stopped")

    def said(self) -> str:
        return (self.folder / "said").read_text()


@pytest.fixture
def driver(tmp_path: Path) -> Iterator[Driver]:
    driver = Driver(tmp_path)
    yield driver
    driver.kill()


@pytest.mark.slow
def test_no_run_is_left_running(driver: Driver) -> None:
    first = driver.start()
    wait_until(lambda: driver.finished() >= 1, "a trial's end", process=first, show=driver.said)
    first.send_signal(signal.SIGINT)
    assert first.wait(PROCESS_SECONDS) == 130, driver.said()
    statuses = [run["status"] for run in driver.tracked().values()]
    assert set(statuses) == {"FINISHED", "KILLED"}, "trials that ended, and those under way with their arms and study"

    before = driver.finished()
    second = driver.start()
    wait_until(lambda: driver.finished() > before, "another trial's end", process=second, show=driver.said)
    driver.kill()
    second.wait(PROCESS_SECONDS)
    assert before < driver.finished() < 6

    assert driver.start().wait(PROCESS_SECONDS) == 0, driver.said()
    found = driver.tracked()
    assert len(found) == 1 + 2 + 6
    assert {run["status"] for run in found.values()} == {"FINISHED"}
    for run in found.values():
        steps = {name: [step for step, _, _ in points] for name, points in run["points"].items()}
        if run["tags"]["saddle.level"] == "trial":
            assert steps["validation/score"] == EPOCHS
            assert steps["test/score"] == steps["seconds"] == [5]
        elif run["tags"]["saddle.level"] == "arm":
            assert "test/score" in steps
