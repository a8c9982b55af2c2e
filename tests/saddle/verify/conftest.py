"""A search and two ablations that have run, tracked in MLflow, and a copy of them for each test to damage."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from saddle.store.local import LocalStore
from saddle.track.artifact_root import relocate

STUDIES = """\
study: top
question: Where is the top of the parabola?
trainable: parabola
fixed: {epochs: 4}
search:
  x: {float: [0, 2]}
  mode: {choice: [plain, curved]}
  bend: {float: [0, 1], when: {mode: curved}}
objective: {maximize: validation/score}
constraints: [validation/cost <= 1.5]
sampler: {tpe: {startup_trials: 3, seed: 1}}
early_stopping: {asha: {grace_epochs: 1, reduction_factor: 2}}
budget: {trials: 6}
---
study: troubles
question: Does trouble help?
checkpoints: {best: 0}
ablation:
  baseline: {trouble: none}
  factors: {trouble: [none, raise]}
  seeds: 2
  compare: {metric: test/score}
---
study: crossed
question: Do x and shift depend on each other?
fixed: {epochs: 1}
ablation:
  design: factorial
  baseline: {x: 0.3, shift: 0.0}
  factors: {x: [0.3, 0.5], shift: [0.0, 0.1]}
  seeds: 3
  compare: {metric: test/score}
"""


@pytest.fixture(scope="session")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A storage in which all studies have run, by the command itself."""
    folder = tmp_path_factory.mktemp("ran")
    (folder / "studies.yaml").write_text(STUDIES)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SADDLE_", "MLFLOW_"))}
    done = subprocess.run(
        [sys.executable, "-m", "saddle.cli", "run", "studies.yaml", "--storage", "kept"],
        cwd=folder,
        env={**environment, "RAY_TMPDIR": "/tmp"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "kept"


@pytest.fixture
def store(ran: Path, tmp_path: Path) -> LocalStore:
    """A copy of it, whose files MLflow looks for where the copy lies."""
    shutil.copytree(ran, tmp_path / "kept")
    copy = LocalStore(tmp_path / "kept")
    relocate(copy)
    return copy
