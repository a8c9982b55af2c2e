"""Ray's control process dies, or Ray can't even start: a line that says that nothing is lost, and exit code 3."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from saddle.cluster.connection import not_started
from saddle.errors import InfrastructureError
from tests.support.commands import Command
from tests.support.waiting import PROCESS_SECONDS, wait_until

pytestmark = pytest.mark.fault("Ray's control process lost")

STUDY = """
study: cut
trainable: parabola
fixed: {epochs: 8, pause: 0.5}
search: {x: {float: [0.0, 1.0]}}
objective: {maximize: validation/score}
sampler: {random: {seed: 0}}
budget: {trials: 2}
"""


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Command]:
    (tmp_path / "cut.yaml").write_text(STUDY)
    command = Command(tmp_path)
    yield command
    command.kill_leftovers()


@pytest.mark.parametrize("name", ["gcs_server", pytest.param("raylet", marks=pytest.mark.slow)])
def test_a_control_process_that_dies_ends_the_run_in_a_line_and_the_same_command_goes_on(
    command: Command, name: str
) -> None:
    process = command.start("run", "cut.yaml", "--no-mlflow")
    trials = command.folder / "runs/studies/cut/trials"
    wait_until(lambda: list(trials.glob("*/checkpoints/epoch-00002.pt")), "the second epoch of a trial", 90)
    [lost] = [child for child in psutil.Process(process.pid).children(recursive=True) if child.name() == name]
    lost.kill()
    said, _ = process.communicate(timeout=PROCESS_SECONDS)
    assert process.returncode == 3, said
    [line] = [line for line in said.splitlines() if line.startswith("saddle: ")]
    assert "Ray on this machine has lost its " in line
    assert "nothing that was stored is lost" in line
    assert "Traceback" not in said
    wait_until(lambda: not command.leftovers(), "the end of all it started", 60)
    command.run("run", "cut.yaml", "--no-mlflow")
    rows = command.rows("cut")
    assert [(row["outcome"], row["epochs"]) for row in rows] == [("completed", 8)] * 2
    assert max(row["attempts"] for row in rows) == 2, "a trial continued where it was"
    progress = json.loads((command.folder / "runs/studies/cut/progress.json").read_text())
    assert progress["hours_before"] > 0


def test_ray_that_does_not_start_says_why_and_where_its_logs_are() -> None:
    with tempfile.TemporaryDirectory() as folder:
        fault = not_started(Path(folder), RuntimeError("\nThe node timed out.\nTraceback"))
    assert isinstance(fault, InfrastructureError)
    assert str(fault).startswith("Ray could not be started on this machine: The node timed out.; nothing that was")
    assert f"see its logs in {folder}" in str(fault)
