"""The command as a process: Ctrl-C, a second Ctrl-C, a kill, and going on afterwards."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.fault

STUDY = """
study: slow
trainable: parabola
fixed: {epochs: 6, pause: 0.25}
ablation:
  baseline: {x: 0.3}
  factors: {x: [0.3, 0.5]}
  seeds: 3
  compare: {metric: test/score}
"""

SEARCH = """
study: search
trainable: parabola
fixed: {epochs: 6, pause: 0.2}
search: {x: {float: [0.0, 1.0]}}
objective: {maximize: validation/score}
sampler: {random: {seed: 0}}
budget: {trials: 6}
"""


def processes_naming(text: str) -> list[int]:
    """Processes whose command line or environment holds `text`."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                said = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
            except OSError:
                continue
            if text.encode() in said:
                found.append(int(folder.name))
    return found


def wait_until(condition: Callable[[], Any], what: str, seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what} did not happen within {seconds:g} s")


class Command:
    """`saddle` in a folder and with a mark in its environment, by which all it starts can be found."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mark = f"SADDLE_TEST_MARK={folder}"

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        name, _, value = self.mark.partition("=")
        return subprocess.Popen(
            [sys.executable, "-m", "saddle.cli", *arguments],
            cwd=self.folder,
            env={**os.environ, name: value},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str) -> str:
        process = self.start(*arguments)
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 0, said
        return said

    def rows(self, study: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = json.loads(self.run("results", study, "--json"))
        return rows

    def entries(self, study: str) -> int:
        return len(list((self.folder / f"runs/studies/{study}/ledger").glob("*.parquet")))

    def slow_down(self, pause: float) -> None:
        """Let every epoch of the study `slow` take `pause` seconds."""
        (self.folder / "slow.yaml").write_text(STUDY.replace("pause: 0.25", f"pause: {pause}"))

    def leftovers(self) -> list[int]:
        return processes_naming(self.mark)


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Command]:
    (tmp_path / "slow.yaml").write_text(STUDY)
    (tmp_path / "search.yaml").write_text(SEARCH)
    command = Command(tmp_path)
    yield command
    for process in command.leftovers():
        os.kill(process, signal.SIGKILL)


def essence(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """What may not differ between a run that was disturbed and one that was not."""
    same = ("outcome", "params", "seed", "arm", "epochs", "selected_epoch", "test_last")
    return {
        row["trial"]: {
            **{name: row[name] for name in same},
            "metrics": {name: value for name, value in row["metrics"].items() if name != "test/process"},
        } | {"test_last": {n: v for n, v in row["test_last"].items() if n != "test/process"}}
        for row in rows
    }  # fmt: skip


def test_ctrl_c_stops_between_epochs_says_how_to_go_on_and_the_same_command_does(command: Command) -> None:
    process = command.start("run", "slow.yaml", "--no-mlflow")
    wait_until(lambda: command.entries("slow") >= 2, "the end of two trials")
    time.sleep(0.4)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "Go on with: saddle run slow.yaml" in said
    assert "Traceback" not in said
    before = command.entries("slow")
    assert 2 <= before < 6
    wait_until(lambda: not command.leftovers(), "the end of all it started", 30)

    said = command.run("run", "slow.yaml", "--no-mlflow")
    assert f"[{before + 1}/6]" in said
    assert f"[{before}/6]" not in said, "what was done is not done again"
    rows = command.rows("slow")
    assert max(row["attempts"] for row in rows) == 2, "a trial went on where it was"

    (command.folder / "slow.yaml").write_text(STUDY.replace("study: slow", "study: calm"))
    command.run("run", "slow.yaml", "--no-mlflow")
    assert essence(rows) == essence(command.rows("calm"))


def test_a_second_ctrl_c_ends_at_once_and_leaves_nothing_running(command: Command) -> None:
    command.slow_down(30)
    process = command.start("run", "slow.yaml", "--no-mlflow")
    wait_until(lambda: (command.folder / "runs/studies/slow/trials").exists(), "the first trial's start")
    process.send_signal(signal.SIGINT)
    time.sleep(1.5)
    assert process.poll() is None, "the first Ctrl-C waits for the epochs under way"
    process.send_signal(signal.SIGINT)
    since = time.monotonic()
    said, _ = process.communicate(timeout=20)
    assert process.returncode == 130, said
    assert time.monotonic() - since < 15, "an epoch takes 30 s, so it did not wait for one"
    wait_until(lambda: not command.leftovers(), "the end of all it started", 30)


def test_a_killed_search_goes_on_with_every_trial_once(command: Command) -> None:
    process = command.start("run", "search.yaml", "--no-mlflow")
    wait_until(lambda: command.entries("search") >= 2, "the end of two trials")
    process.kill()
    process.communicate(timeout=20)
    command.run("run", "search.yaml", "--no-mlflow")  # at once: what the dead driver started may still be there
    rows = command.rows("search")
    assert [row["trial"] for row in rows] == [f"trial-{n:05d}" for n in range(6)]
    assert {row["outcome"] for row in rows} == {"completed"}
    assert len({row["params"]["x"] for row in rows}) == 6


def test_stopping_from_another_terminal(command: Command) -> None:
    command.slow_down(1)
    process = command.start("run", "slow.yaml", "--no-mlflow")
    wait_until(lambda: command.entries("slow") >= 1, "the end of a trial")
    state = json.loads(command.run("status", "slow", "--json"))[0]
    assert (state["state"], state["process"]) == ("running", process.pid)
    assert "stops after" in command.run("stop", "slow")
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert json.loads(command.run("status", "slow", "--json"))[0]["state"] == "interrupted"


def test_a_second_driver_is_refused(command: Command) -> None:
    command.slow_down(30)  # the second command must come while the first still runs, however slow the machine
    process = command.start("run", "slow.yaml", "--no-mlflow")
    wait_until(lambda: (command.folder / "runs/studies/slow/trials").exists(), "the first trial's start")
    second = command.start("run", "slow.yaml", "--no-mlflow")
    said, _ = second.communicate(timeout=60)
    assert second.returncode == 2, said
    assert f"another driver (process {process.pid}) is running slow" in " ".join(said.split())
    assert process.poll() is None, "the first goes on"
