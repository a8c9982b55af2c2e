"""Commands that read what is stored import neither what computes nor what draws, which takes seconds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from saddle.store.local import LocalStore
from tests.support.stored import store_ablation
from tests.support.waiting import PROCESS_SECONDS

STUDY = """
study: s
trainable: parabola
ablation:
  factors: {x: [0.3, 0.5]}
  seeds: 3
  compare: {metric: test/score}
"""
COMPUTING = ("torch", "ray", "mlflow", "optuna", "scipy.special", "scipy.stats", "sklearn", "pandas", "matplotlib")
RUN = """
import sys
from saddle.cli.app import app
try:
    app(sys.argv[1:])
finally:
    print("imported:", *[name for name in NAMES if name in sys.modules], file=sys.stderr)
"""


@pytest.mark.parametrize("command", ["studies", "status s", "schema", "note s"])
def test_it_imports_nothing_that_computes(command: str, tmp_path: Path) -> None:
    store_ablation(LocalStore(tmp_path / "runs"), STUDY, lambda one: {"test/score": 0.1 * one.seed})
    done = subprocess.run(
        [sys.executable, "-c", RUN.replace("NAMES", repr(COMPUTING)), *command.split(),
         *(["--storage", str(tmp_path / "runs")] if command != "schema" else [])],
        capture_output=True, text=True, timeout=PROCESS_SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1].split() == ["imported:"]
