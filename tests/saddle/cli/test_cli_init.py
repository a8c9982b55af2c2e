"""`saddle init`: its files are studies that run as they are, and nothing is overwritten."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from saddle.cli.app import app
from saddle.store.local import LocalStore
from saddle.study.trainable.loading import load_trainable
from saddle.study.trainable.own_sources import forget_own_modules
from saddle.studyfile.loader import load_studies
from saddle.studyfile.starters import NAMES, starter
from tests.support.in_process import run_in_process

STUDIES = ("search", "ablation", "relation")
"""Those that train with attacks, which takes longer."""


@pytest.fixture(autouse=True)
def _no_modules_of_other_tests() -> Iterator[None]:
    yield
    forget_own_modules()


@pytest.mark.parametrize("kind", NAMES)
def test_the_files_are_studies(kind: str, tmp_path: Path) -> None:
    written = CliRunner().invoke(app, ["init", kind, "--to", str(tmp_path / "new")])
    assert written.exit_code == 0, written.output
    [study] = (tmp_path / "new").glob("*.yaml")
    assert load_studies(study)
    assert f"saddle plan {study}" in written.output.replace("\n", "")
    again = CliRunner().invoke(app, ["init", kind, "--to", str(tmp_path / "new")])
    assert again.exit_code == 2
    assert "is there already" in again.output.replace("\n", "")


@pytest.mark.parametrize("kind", ["trainable", *(pytest.param(kind, marks=pytest.mark.long) for kind in STUDIES)])
def test_the_studies_run_to_their_answers(kind: str, tmp_path: Path) -> None:
    for name, text in starter(kind).items():
        (tmp_path / name).write_text(text)
    [study] = tmp_path.glob("*.yaml")
    text = study.read_text()
    if kind == "relation":  # sixteen trials of which only that they run is looked at
        text = text.replace("epochs: 2}", "epochs: 1, train_size: 200, test_size: 60}")
    ended = run_in_process(LocalStore(tmp_path / "runs"), text, track=False)
    assert {record.outcome for each in ended for record in each.entries} == {"completed"}


@pytest.mark.slow
def test_the_nightly_runs_a_night(tmp_path: Path) -> None:
    for name, text in starter("nightly").items():
        (tmp_path / name).write_text(text)
    command = ["run", "nightly.yaml", "--no-mlflow", "--set", "nightly.pool=3", "--set", "nightly.rotation=1"]
    words = [*command, "--set", "fixed.train_size=100", "--set", "fixed.test_size=60"]
    process = [sys.executable, "-m", "saddle.cli", "nightly", *words]
    night = subprocess.run(process, cwd=tmp_path, capture_output=True, text=True, timeout=500, check=False)
    assert night.returncode == 0, night.stdout + night.stderr
    assert "Filling: 6 of 6" in night.stdout


def test_the_script_lacks_nothing(tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["init"]).exit_code == 0
    [search, _] = load_studies("study.yaml")
    assert load_trainable(search.source).lacks == ()
