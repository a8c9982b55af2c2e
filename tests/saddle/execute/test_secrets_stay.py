"""Twenty secrets of different kinds, planted where a user has them: none is anywhere afterwards but there."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from saddle.cli.app import app
from saddle.cli.checkup import find_mlflow, run_check
from saddle.store.ledger.ledger import Ledger
from saddle.store.local import LocalStore
from saddle.trial.run_id import RunId
from tests.support.commands import Command
from tests.support.exposure import files_with, found_in, watch
from tests.support.planted_secrets import BY_THE_METHOD, IN_THE_ENVIRONMENT, SECRETS

pytestmark = pytest.mark.long

STUDY = """
study: leaky
trainable: parabola
fixed: {epochs: 2, trouble_epoch: 1, marker: MARKER}
ablation:
  baseline: {trouble: none}
  factors: {trouble: [none, raise]}
  seeds: 1
  compare: {metric: test/score}
"""


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Ray's folder, of its own for this test; with a longer path Ray's sockets would be elsewhere."""
    folder = Path(tempfile.mkdtemp(prefix="s", dir="/tmp"))
    monkeypatch.setenv("RAY_TMPDIR", str(folder))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def test_none_of_twenty_secrets_gets_out(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, sessions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = tmp_path_factory.mktemp("method") / "said"
    for name, value in IN_THE_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    planted.write_text(BY_THE_METHOD)
    (tmp_path / "leaky.yaml").write_text(STUDY.replace("MARKER", str(planted)))
    command = Command(tmp_path)
    try:
        with watch(SECRETS, folder=sessions) as shown:
            said = command.run("run", "leaky.yaml", "--storage", "runs")
    finally:
        command.kill_leftovers()
    [failed] = [e for e in Ledger(LocalStore(tmp_path / "runs"), RunId("leaky")) if str(e.outcome) == "failed"]
    assert "ZeroDivisionError" in failed.why
    assert "host=db user=u password=*** dbname=x" in failed.why
    for order in ("status", "results", "results --json", "results --csv", "report --format md", "report"):
        name, *options = order.split()
        done = CliRunner().invoke(app, [name, "leaky", *options, "--storage", str(tmp_path / "runs")])
        assert done.exit_code == 0, done.output
        said += done.output
    assert found_in(said.encode(), SECRETS) == []
    assert shown == {}
    assert (tmp_path / "runs/mlflow/mlflow.db").exists()
    assert (tmp_path / "runs/studies/leaky/report.html").exists()
    assert files_with(tmp_path, SECRETS) == {}


def test_doctor_shows_no_password_of_a_tracking_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://u:zq-one@127.0.0.1:9/x")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    found = run_check("mlflow", lambda: find_mlflow(str(tmp_path)))
    assert not found.ok
    assert "zq-one" not in found.found
    assert run_check("x", lambda: f"{os.environ['MLFLOW_TRACKING_URI']}, 3 experiments").found.endswith("3 experiments")
    assert "zq-one" not in run_check("x", lambda: os.environ["MLFLOW_TRACKING_URI"]).found
