"""The README's template as a package of its own: installed with pip, found by its entry point, run in a study."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

TEMPLATE = Path(__file__).parents[2] / "template"

STUDY = """
study: outside
question: Does a larger step help?
trainable: my_method
search: {lr: {float: [0.01, 10.0], log: true}}
objective: {maximize: validation/clean_accuracy}
sampler: random
budget: {trials: 3}
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the installed template, which nothing else sees."""
    folder = tmp_path_factory.mktemp("outside")
    shutil.copytree(TEMPLATE, folder / "source")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "--target", folder / "site", folder / "source"], check=True, timeout=120)
    return folder / "site"


def saddle(site: Path, folder: Path, *arguments: str) -> str:
    path = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-m", "saddle.cli", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_trainable_of_somebody_elses_package_runs_in_a_study(site: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.yaml").write_text(STUDY)
    assert "my_method" in saddle(site, tmp_path, "trainables")
    said = saddle(site, tmp_path, "run", "outside.yaml", "--no-mlflow")
    assert "The best of 3 trials" in said
    rows = json.loads(saddle(site, tmp_path, "results", "outside", "--json"))
    assert [row["outcome"] for row in rows] == ["completed"] * 3
    assert max(row["metrics"]["test/clean_accuracy"] for row in rows) > 0.85
