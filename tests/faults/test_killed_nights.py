"""A night that is killed at ten moments, and started again each time, is one night with the numbers of a quiet one."""

from __future__ import annotations

import json
import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import processes_naming
from tests.support.nightlies import NIGHT_SECONDS, NightlyProcess
from tests.support.nightly_repository import STUDY, ScratchRepository
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.timeout(1800), pytest.mark.fault("night killed at ten moments")]

KILLS = 10
LONGEST = 25.0
"""Seconds after which a night is killed at the latest: its processes are up after about half of it."""


@pytest.fixture
def nights(tmp_path: Path) -> Iterator[NightlyProcess]:
    (tmp_path / "scratch.yaml").write_text(STUDY.replace("pause: 0.0", "pause: 0.3"))
    mark = f"SADDLE_TEST_MARK={tmp_path}"
    name, _, value = mark.partition("=")
    yield NightlyProcess(tmp_path, ScratchRepository.make(tmp_path / "code"), {name: value})
    for process in processes_naming(mark):
        os.kill(process, signal.SIGKILL)


def measured(folder: Path) -> dict[tuple[str, int], dict[str, Any]]:
    """The numbers of the night by arm and seed."""
    night = json.loads((folder / "nights/2026-01-01/night.json").read_text())
    numbers = {(each["arm"], each["seed"]): each["metrics"] for each in night["measurements"]}
    assert len(numbers) == len(night["measurements"])
    return numbers


def kill_after(process: Any, seconds: float) -> None:
    """Kill the process itself, and not what it has started, unless it ends before."""
    try:
        process.communicate(timeout=seconds)
    except Exception:
        process.kill()
        process.communicate(timeout=60)


def test_a_night_killed_at_ten_moments_is_one_night(nights: NightlyProcess, tmp_path: Path) -> None:
    moments = random.Random(7)
    for place in range(KILLS):
        kill_after(nights.start("run", "--date", "2026-01-01"), moments.uniform(0.2, LONGEST))
        if place == 2:  # whoever continues with it continues with the code that it began with
            nights.scratch.set_constants(strength=0.5)
            nights.scratch.commit("Weaken")
    said = nights.run("run", "--date", "2026-01-01")
    assert "Filling: 24 of 24 references" in said
    numbers = measured(nights.pages)
    assert len(numbers) == 24
    assert min(metrics["test/score"] for metrics in numbers.values()) > 0.8
    [night] = nights.index()
    assert len(night["runs"]) == len(list((nights.pages / "nights/2026-01-01/parts").glob("*.json"))) == 1
    assert nights.scratch.git("worktree", "list").count("\n") == 0


def test_two_that_start_at_once_run_one_night(nights: NightlyProcess) -> None:
    first = nights.start("run", "--date", "2026-01-01")
    lock = nights.folder / "runs/studies/scratch@nightly.lock"
    wait_until(lambda: lock.exists() and lock.read_text(), "the first process has the lock", process=first)
    said = nights.run("run", "--date", "2026-01-01", code=3)
    assert f"process {first.pid} runs scratch now" in said
    waiting = nights.start("run", "--date", "2026-01-01", "--set", "nightly.overlap=wait")
    assert first.wait(NIGHT_SECONDS) == 0
    heard, _ = waiting.communicate(timeout=NIGHT_SECONDS)
    assert waiting.returncode == 0
    assert "trials with" not in heard
    assert "Filling: 24 of 24" in heard
