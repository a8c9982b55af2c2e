"""The command line in this process, and one storage with finished studies that many tests read."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

Run = Callable[..., Result]

STUDIES = """\
study: top
question: Where is the top of the parabola?
trainable: parabola
search:
  x: {float: [0, 2]}
  mode: {choice: [plain, curved]}
  bend: {float: [0, 1], when: {mode: curved}}
objective: {maximize: validation/score}
sampler: {random: {seed: 1}}
budget: {trials: 3}
---
study: troubles
question: Does trouble help?
trainable: parabola
ablation:
  baseline: {trouble: none}
  design: one_factor
  factors: {trouble: [none, raise, nan]}
  seeds: 3
  compare: {metric: test/score}
---
study: digits
question: Which rate is best for a very small network?
trainable: adversarial_training
fixed: {epochs: 2, epsilon_warmup: 0, steps: 1, train_size: 400, test_size: 100, width: 2}
evaluate: {attacks: pgd, attack_steps: 2}
search: {lr: {float: [1e-3, 1e-2]}}
objective: {maximize: validation/clean_accuracy}
sampler: {random: {seed: 0}}
budget: {trials: 1}
"""


@dataclass(frozen=True)
class Finished:
    """The studies of `STUDIES`, run once by the command itself."""

    storage: str
    file: str
    stdout: str
    stderr: str
    code: int


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    folder = tmp_path_factory.mktemp("finished")
    (folder / "studies.yaml").write_text(STUDIES)
    command = [sys.executable, "-m", "saddle.cli", "run", "studies.yaml", "--storage", "kept"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SADDLE_", "MLFLOW_"))}
    environment["RAY_TMPDIR"] = "/tmp"
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    return Finished(str(folder / "kept"), str(folder / "studies.yaml"), done.stdout, done.stderr, done.returncode)


@pytest.fixture
def saddle(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Call the command in this process: `saddle("status", "top")`; what nobody caught is raised."""
    from saddle.cli.app import app

    monkeypatch.setenv("COLUMNS", "120")

    def run(*arguments: str | Path) -> Result:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run
