"""Ctrl-C where no trial runs: while Ray starts, and while the report is written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.commands import Command
from tests.support.waiting import PROCESS_SECONDS, wait_until

pytestmark = pytest.mark.long

STUDY = """
study: brief
trainable: parabola
fixed: {epochs: 1}
search: {x: {float: [0.0, 1.0]}}
objective: {maximize: validation/score}
sampler: {random: {seed: 0}}
budget: {trials: 2}
"""

WAIT_IN = """
import pathlib, sys, time
import {module} as module
before = module.{function}
def slow(*arguments, **named):
    pathlib.Path("reached").touch()
    time.sleep(3600)
    return before(*arguments, **named)
module.{function} = slow
sys.argv = ["saddle", "run", "brief.yaml", "--no-mlflow"]
from saddle.cli import main
main()
"""
"""A run that stays for an hour in a function, as a slow machine stays for some seconds."""


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Command]:
    (tmp_path / "brief.yaml").write_text(STUDY)
    command = Command(tmp_path)
    yield command
    command.kill_leftovers()


def interrupt_in(command: Command, module: str, function: str) -> str:
    """Ctrl-C while `function` runs; what was said, once all that was started has ended with exit code 130."""
    name, _, value = command.mark.partition("=")
    code = WAIT_IN.format(module=module, function=function)
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=command.folder, env={**os.environ, name: value}, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    wait_until(lambda: (command.folder / "reached").exists(), f"a call of {function}", 240, process=process)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=PROCESS_SECONDS)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    wait_until(lambda: not command.leftovers(), "the end of all it started", PROCESS_SECONDS)
    return said


def require_complete(command: Command) -> None:
    """The same command continues to the end, with each trial once."""
    command.run("run", "brief.yaml", "--no-mlflow")
    rows = command.rows("brief")
    assert [(row["trial"], row["outcome"]) for row in rows] == [(f"trial-{n:05d}", "completed") for n in range(2)]
    assert (command.folder / "runs/studies/brief/report.html").exists()


@pytest.mark.fault("Ctrl-C during Ray's start")
def test_ctrl_c_during_rays_start(command: Command) -> None:
    interrupt_in(command, "ray", "init")
    assert command.entries("brief") == 0
    require_complete(command)


@pytest.mark.fault("Ctrl-C during the report")
def test_ctrl_c_during_the_report(command: Command) -> None:
    interrupt_in(command, "saddle.execute.driver", "write_report")
    assert command.entries("brief") == 2
    require_complete(command)
