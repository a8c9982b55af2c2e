"""Measuring a whole study again as a process: several trials at once, killed, and continuing with what is left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_methods.parabola import Config, score

from tests.support.commands import Command
from tests.support.waiting import PROCESS_SECONDS, wait_until

pytestmark = pytest.mark.fault("measuring again killed")

STUDY = """
study: measured
trainable: parabola
fixed: {epochs: 2}
ablation:
  baseline: {x: 0.3}
  factors: {x: [0.3, 0.5]}
  seeds: 4
  compare: {metric: test/score}
"""


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Command]:
    (tmp_path / "measured.yaml").write_text(STUDY)
    command = Command(tmp_path)
    yield command
    command.kill_leftovers()


def test_a_killed_measuring_goes_on_and_measures_every_trial_once(command: Command) -> None:
    command.run("run", "measured.yaml", "--no-mlflow")
    folder = command.folder / "runs/studies/measured/measurements"
    process = command.start("evaluate", "measured", "--all", "--set", "ruler=2", "--set", "test_pause=0.7")
    wait_until(lambda: len(list(folder.glob("*.json"))) >= 2, "the measuring of two trials", 300)
    process.kill()
    process.communicate(timeout=PROCESS_SECONDS)
    wait_until(lambda: not command.leftovers(), "the end of all it started", PROCESS_SECONDS)
    before = len(list(folder.glob("*.json")))
    assert 2 <= before < 8

    said = command.run("evaluate", "measured", "--all")
    assert f"{8 - before} trials to measure; {before} have been measured in this way" in said
    assert f"{9 - before}/" not in said
    rows = command.rows("measured")
    assert len(list(folder.glob("*.json"))) == len(rows) == 8
    for row in rows:
        assert row["evaluation"] == {"ruler": 2.0, "test_pause": 0.7}
        assert len(row["earlier"]) == 1
        undisturbed = score(Config(**row["params"]), row["seed"], 2)
        assert row["metrics"]["test/score"] == pytest.approx(undisturbed - 2, abs=1e-12)
        assert row["earlier"][0]["metrics"]["test/score"] == pytest.approx(undisturbed, abs=1e-12)
    assert len({row["metrics"]["test/process"] for row in rows}) > 2, "two at once, before and after the kill"
    assert "everything agrees" in command.run("verify", "measured")
