"""A study whose driver is killed again and again ends as if nothing had happened."""

from __future__ import annotations

import contextlib
import json
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.commands import Command, essence
from tests.support.waiting import PROCESS_SECONDS, wait_until

pytestmark = pytest.mark.fault("driver or worker killed at random moments")

ABLATION = """
study: {study}
trainable: parabola
fixed: {{epochs: 8, pause: {pause}}}
ablation:
  baseline: {{x: 0.3}}
  factors: {{x: [0.3, 0.5]}}
  seeds: 16
  compare: {{metric: test/score}}
"""

SEARCH = """
study: searched
trainable: parabola
fixed: {epochs: 8, pause: 0.4}
search: {x: {float: [0.0, 1.0]}}
objective: {maximize: validation/score}
sampler: {tpe: {startup_trials: 4, seed: 0}}
early_stopping: {asha: {grace_epochs: 2, reduction_factor: 2}}
budget: {trials: 14}
"""

TRAINED = """
study: {study}
trainable: adversarial_training
fixed: {{dataset: digits, perturbation: mp, tasks: [odd_even], steps: 3, attack_steps: 3, epochs: 6}}
resources: {{concurrency: 1}}
ablation:
  factors: {{lr: [0.003, 0.01]}}
  seeds: 1
"""


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Command]:
    command = Command(tmp_path)
    yield command
    command.kill_leftovers()


def kill_at_random(command: Command, study: str, times: int, seed: int) -> list[str]:
    """Start the study and kill its driver at random moments: by turns on its way to training, and in training; when."""
    draw = random.Random(seed)
    moments = []
    for turn in range(times):
        before = last_epoch(command, study)
        process = command.start("run", f"{study}.yaml")
        if turn % 2:
            wait_until(lambda before=before: last_epoch(command, study) > before, "an epoch", 120)
            pause, since = draw.uniform(0, 2), "an epoch"
        else:
            pause, since = draw.uniform(0.3, 9), "its start"
        try:
            process.wait(pause)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(PROCESS_SECONDS)
        moments.append(f"{pause:.1f} s after {since}")
        if process.stdout is not None:
            process.stdout.close()
    return moments


def last_epoch(command: Command, study: str) -> float:
    """When a checkpoint of the study was last stored, which every epoch does."""
    moments = [0.0]
    for path in (command.folder / f"runs/studies/{study}/trials").glob("*/checkpoints/*.pt"):
        with contextlib.suppress(FileNotFoundError):  # older ones go
            moments.append(path.stat().st_mtime)
    return max(moments)


def is_clean(command: Command, study: str) -> None:
    [found] = json.loads(command.run("verify", study, "--json"))
    assert found["differences"] == []
    assert found["unfinished"] == []


@pytest.mark.slow
@pytest.mark.timeout(3600)  # twenty starts of Ray
def test_twenty_kills_at_random_moments_leave_the_ledger_of_an_undisturbed_ablation(command: Command) -> None:
    (command.folder / "killed.yaml").write_text(ABLATION.format(study="killed", pause=0.35))
    (command.folder / "calm.yaml").write_text(ABLATION.format(study="calm", pause=0.35))
    moments = kill_at_random(command, "killed", times=20, seed=1)
    assert command.entries("killed") < 32, "it was over before the last kill, so kills came too late to count"
    command.run("run", "killed.yaml")
    command.run("run", "calm.yaml", "--no-mlflow")
    killed = command.rows("killed")
    assert essence(killed) == essence(command.rows("calm")), f"killed {moments}"
    assert max(row["attempts"] for row in killed) > 1, f"no kill hit a trial: {moments}"
    is_clean(command, "killed")


@pytest.mark.slow
def test_a_search_killed_at_random_moments_keeps_its_invariants(command: Command) -> None:
    (command.folder / "searched.yaml").write_text(SEARCH)
    moments = kill_at_random(command, "searched", times=4, seed=2)
    command.run("run", "searched.yaml")
    rows = command.rows("searched")
    assert [row["trial"] for row in rows] == [f"trial-{n:05d}" for n in range(14)], f"killed {moments}"
    assert {row["outcome"] for row in rows} <= {"completed", "pruned"}
    assert len({row["params"]["x"] for row in rows}) == 14, "no configuration was drawn twice"
    is_clean(command, "searched")


def test_a_trial_killed_in_mid_training_ends_with_the_metrics_of_an_undisturbed_one(command: Command) -> None:
    for study in ("killed", "calm"):
        (command.folder / f"{study}.yaml").write_text(TRAINED.format(study=study))
    command.run("run", "calm.yaml", "--no-mlflow")
    process = command.start("run", "killed.yaml", "--no-mlflow")
    trials = command.folder / "runs/studies/killed/trials"
    wait_until(lambda: list(trials.glob("*/checkpoints/epoch-00003.pt")), "the third epoch", 120)
    process.kill()
    process.communicate(timeout=PROCESS_SECONDS)
    command.run("run", "killed.yaml", "--no-mlflow")
    killed, calm = command.rows("killed"), command.rows("calm")
    assert max(row["attempts"] for row in killed) == 2
    assert essence(killed) == essence(calm), "weights, data order and random starts are part of the state"
