"""CPU time of the commands that only read, at 14 studies of 294 trials, against the bare interpreter (`make bench`)."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from saddle.store.local import LocalStore
from tests.support.stored import store_ablation

STUDIES, SEEDS = 14, 7
METRIC = "test/robust_accuracy.worst_case"
ROUNDS = int(os.environ.get("SADDLE_BENCH_ROUNDS", "3"))
AIM = 1.0
"""Seconds of CPU in addition to an interpreter that imports numpy and typer, which every command needs."""

STUDY = """
study: {name}
question: Which perturbation helps?
trainable: adversarial_training
fixed: {{dataset: digits, tasks: [odd_even], epochs: 3, test_size: 50}}
ablation:
  baseline: {{perturbation: sta}}
  factors: {{perturbation: [sta, mta, mp]}}
  seeds: {seeds}
  compare: {{metric: test/robust_accuracy.worst_case}}
"""

COMMANDS = {
    "studies": ["studies"],
    "status": ["status", "read-3"],
    "results": ["results", "read-3"],
    "plan": ["plan", "read-3.yaml"],
    "verify": ["verify", "read-3"],
    "doctor": ["doctor"],
}
"""Commands that exit with 1 because something is missing or differs are timed anyway."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("commands")
    store = LocalStore(folder / "runs")
    for number in range(STUDIES):
        text = STUDY.format(name=f"read-{number}", seeds=SEEDS)
        (folder / f"read-{number}.yaml").write_text(text)
        store_ablation(
            store, text, lambda replicate: {METRIC: 0.4 + 0.01 * replicate.seed + 0.02 * len(replicate.arm.key)}
        )
    return folder


def cpu_seconds(folder: Path, *command: str) -> float:
    """Seconds of CPU of a Python process and all processes that it started and waited for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.run(
        [sys.executable, *command], cwd=folder, capture_output=True, text=True, timeout=600, check=False
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert process.returncode in (0, 1), process.stderr[-2000:]
    assert "Traceback" not in process.stderr, process.stderr[-2000:]
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_reading_commands_against_the_bare_interpreter(folder: Path) -> None:
    """Rounds alternate between the interpreter and every command; the first one, which fills caches, does not count."""
    ways = {"interpreter": ["-c", "import numpy, typer"]}
    ways |= {name: ["-m", "saddle.cli", *command] for name, command in COMMANDS.items()}
    seconds_of: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(1 + ROUNDS):
        for name, command in ways.items():
            seconds_of[name].append(cpu_seconds(folder, *command))
    medians = {name: statistics.median(seconds[1:]) for name, seconds in seconds_of.items()}
    bare = medians.pop("interpreter")
    print(f"\n{STUDIES} studies, {STUDIES * SEEDS * 3} trials, CPU time, median of {ROUNDS}; interpreter {bare:.2f} s:")
    for name, seconds in medians.items():
        beyond = seconds - bare
        verdict = "reached" if beyond <= AIM else "MISSED"
        print(
            f"{name:8} {seconds / bare:5.1f} times the interpreter, {beyond:.2f} s beyond it, aim {AIM:g} s: {verdict}"
        )
    assert medians["studies"] < 40 * bare, "a list of studies takes forty times the interpreter's start"
