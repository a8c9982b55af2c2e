"""A disk that is full, read-only or failing ends the study, not its trials; with room again it just continues."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from saddle.cli.app import app
from tests.support.commands import Command
from tests.support.disks import Disk, mounted
from tests.support.waiting import PROCESS_SECONDS, wait_until

pytestmark = pytest.mark.fault("disk full, read-only or failing")

STUDY = """
study: full
trainable: mortal
fixed: {{epochs: 6, pause: 0.3, last: 3, {fixed}}}
ablation:
  baseline: {{level: 0}}
  factors: {{level: [0, 1]}}
  seeds: 2
  compare: {{metric: test/score}}
"""
NOTHING_LOST = "nothing that was stored is lost"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with mounted(tmp_path / "disk", "24m") as disk:
        yield disk


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Command]:
    write(tmp_path)
    command = Command(tmp_path)
    yield command
    command.kill_leftovers()


def write(folder: Path, fixed: str = "way: nothing") -> None:
    (folder / "full.yaml").write_text(STUDY.format(fixed=fixed))


def stops(command: Command, *arguments: str, act: Any = lambda: None, after: Any = lambda: True) -> str:
    """Run the study, `act` once `after` is so, and return the one line that it stops with."""
    process = command.start("run", "full.yaml", "--no-mlflow", *arguments)
    wait_until(lambda: after() or process.poll() is not None, "what was waited for", 120)
    act()
    said, _ = process.communicate(timeout=PROCESS_SECONDS)
    assert process.returncode == 3, said
    assert "Traceback" not in said, said
    [line] = [line for line in said.splitlines() if line.startswith("saddle: ")]
    assert NOTHING_LOST in line
    assert said.rstrip().endswith(line), "nothing is said after it"
    return line


def here(*arguments: str) -> str:
    """What a command prints that starts nothing."""
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == 0, done.output
    return done.stdout


def check_goes_on(command: Command, *storage: str) -> list[dict[str, Any]]:
    """The same command finishes the study, and its trials are what undisturbed ones are known to be."""
    command.run("run", "full.yaml", "--no-mlflow", *storage)
    rows: list[dict[str, Any]] = json.loads(here("results", "full", "--json", *storage))
    assert len(rows) == 4
    for row in rows:
        assert (row["outcome"], row["epochs"], row["selected_epoch"]) == ("completed", 6, 6)
        score = 1 - 1 / 6 + 0.01 * row["seed"]
        assert row["metrics"]["test/score"] == row["test_last"]["test/score"] == pytest.approx(score, abs=1e-12)
    return rows


def epochs_saved(storage: Path) -> int:
    return len(list(storage.glob("studies/full/trials/*/checkpoints/epoch-*.pt")))


def test_a_storage_that_fills_up(command: Command, disk: Disk) -> None:
    storage = ("--storage", "disk/runs")
    runs = disk.folder / "runs"
    line = stops(command, *storage, act=disk.fill, after=lambda: epochs_saved(runs) >= 2)
    assert "No space left on device: " in line
    assert not list(runs.glob("studies/full/ledger/*.parquet")), "no trial has ended"
    [state] = json.loads(here("status", "full", *storage, "--json"))
    assert (state["state"], state["running"]) == ("stopped", {})
    assert "No space left on device" in state["why"]
    assert "No space left on device" in here("status", "full", *storage)
    assert "No space left on device" in stops(command, *storage), "as long as there is no room"
    disk.empty()
    rows = check_goes_on(command, *storage)
    assert max(row["attempts"] for row in rows) >= 2, "a trial continued where it was"


@pytest.mark.slow
def test_a_storage_that_is_read_only_by_now(command: Command, disk: Disk) -> None:
    storage = ("--storage", "disk/runs")
    process = command.start("run", "full.yaml", "--no-mlflow", *storage)
    wait_until(lambda: epochs_saved(disk.folder / "runs") >= 2, "two checkpoints", 120)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PROCESS_SECONDS)
    command.kill_leftovers()
    disk.remount("ro")
    assert "Read-only file system" in stops(command, *storage)
    disk.remount("rw")
    check_goes_on(command, *storage)


@pytest.mark.slow
def test_a_folder_of_the_trainables_own_that_fills_up(command: Command, disk: Disk) -> None:
    write(command.folder, f"folder: {disk.folder}")
    disk.fill(leave=150_000)
    assert "No space left on device" in stops(command)
    assert command.entries("full") == 0
    [state] = json.loads(here("status", "full", "--json"))
    assert "No space left on device" in state["why"]
    disk.empty()
    check_goes_on(command)


@pytest.mark.slow
@pytest.mark.parametrize(("way", "said"), [("io", "Input/output error: /dev/sdz"), ("stale", "Stale file handle")])
def test_a_disk_that_fails(command: Command, way: str, said: str) -> None:
    mended = command.folder / "mended"
    write(command.folder, f"way: {way}, unless: {mended}")
    assert said in stops(command)
    assert command.entries("full") == 0
    mended.touch()
    check_goes_on(command)


@pytest.mark.slow
def test_all_trials_end_soon_and_not_only_the_one_that_met_it(command: Command) -> None:
    text = STUDY.format(fixed="way: io").replace("pause: 0.3, ", "").replace("level: 0", "pause: 3600")
    (command.folder / "full.yaml").write_text(text.replace("level: [0, 1]", "pause: [3600, 0.3]"))
    assert "Input/output error" in stops(command)  # beside a trial whose epochs take an hour


def test_a_path_that_is_not_there_is_the_trials_failure(command: Command) -> None:
    write(command.folder, "way: missing")
    command.run("run", "full.yaml", "--no-mlflow", code=1)  # as every trial failed
    rows = json.loads(here("results", "full", "--json"))
    assert {row["outcome"] for row in rows} == {"failed"}
    assert all("FileNotFoundError" in row["why"] and "/no/such/dataset" in row["why"] for row in rows)
