"""The command with its studies in a bucket: from the first trial to the answer, on one machine and from another."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from saddle.cli.app import app
from saddle.store.checkpoint.checkpoints import Checkpoints
from saddle.store.ledger.ledger import Ledger
from saddle.store.s3.store import S3Store
from saddle.trial.run_id import RunId
from tests.support.commands import Command
from tests.support.s3 import S3, SECRET
from tests.support.waiting import PROCESS_SECONDS, wait_until

pytestmark = pytest.mark.long

STUDY = """
study: slow
trainable: parabola
fixed: {epochs: 6, pause: 0.25}
ablation:
  baseline: {x: 0.3}
  factors: {x: [0.3, 0.5]}
  seeds: 3
  compare: {metric: test/score}
"""


@pytest.fixture
def command(tmp_path: Path, s3: S3) -> Iterator[Command]:
    (tmp_path / "slow.yaml").write_text(STUDY)
    command = Command(tmp_path)
    yield command
    command.kill_leftovers()


def here(*arguments: str) -> str:
    """What a command prints that starts nothing."""
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == 0, done.output
    return done.stdout


def move_to_another_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that this machine's driver kept is there any more."""
    monkeypatch.setenv("SADDLE_HOME", str(tmp_path / "home-of-another"))


def test_a_study_in_a_bucket_is_run_and_read_from_any_machine(
    command: Command, s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "slow.yaml").write_text(STUDY.replace("pause: 0.25", "pause: 0"))
    bucket = s3.bucket()
    url = f"s3://{bucket}/team/nightly"
    said = command.run("run", "slow.yaml", "--storage", url)
    assert f"report: {url}/studies/slow/report.html" in said
    keys = s3.keys(bucket)
    assert "team/nightly/studies/slow/report.html" in keys
    assert sum(key.endswith(".parquet") for key in keys) == 6
    assert not [key for key in keys if "lease" in key or "probe" in key]
    assert not (tmp_path / "runs").exists()

    move_to_another_machine(tmp_path, monkeypatch)
    rows = json.loads(here("results", f"{url}/slow", "--json"))
    assert len(rows) == 6
    assert {row["outcome"] for row in rows} == {"completed"}
    assert json.loads(here("results", f"{url}/studies/slow/", "--json")) == rows
    assert json.loads(here("results", "slow", "--storage", url, "--json")) == rows
    assert json.loads(here("status", f"{url}/slow", "--json"))[0]["state"] == "finished"
    [listed] = json.loads(here("studies", "--storage", url, "--json"))
    assert (listed["study"], listed["done"]) == ("slow", 6)
    said += here("report", f"{url}/slow")
    trial = rows[0]["trial"]
    for name in (f"{url}/slow/{trial}", f"{url}/studies/slow/{trial}"):
        measured = json.loads(here("evaluate", name, "--json"))
        assert measured["metrics"]["test/score"] == rows[0]["metrics"]["test/score"]
    here("export", f"{url}/slow", "--to", "model")
    assert torch.load(tmp_path / "model/state.pt", weights_only=True) == {"epoch": 6}
    said += command.run("run", "slow.yaml", "--storage", url, "--no-mlflow")
    assert SECRET not in said
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes(), path


def test_a_study_that_is_not_there_is_said_with_those_that_are(s3: S3) -> None:
    url = f"s3://{s3.bucket()}/team"
    said = CliRunner().invoke(app, ["results", f"{url}/slwo"])
    assert said.exit_code == 2
    assert said.stderr.strip() == f"saddle: no study 'slwo' in {url}; nothing has been run in it yet"


@pytest.mark.fault("driver killed, study continues from the bucket elsewhere")
@pytest.mark.slow  # the page "From laptop to cluster" does it all at once
def test_a_killed_driver_s_study_goes_on_on_another_machine_s_disk(
    command: Command, s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"s3://{s3.bucket()}/runs"
    store = S3Store(url.split("/")[2], "runs")
    process = command.start("run", "slow.yaml", "--storage", url, "--no-mlflow")
    wait_until(lambda: len(list(store.names("studies/slow/ledger"))) >= 2, "the end of two trials", 120)
    wait_until(lambda: saved(store) >= 1, "a checkpoint of a trial under way", 60)
    state = json.loads(here("status", f"{url}/slow", "--json"))[0]
    assert (state["state"], state["process"]) == ("running", process.pid)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=PROCESS_SECONDS)
    command.kill_leftovers()  # the machine is gone
    before = len(list(store.names("studies/slow/ledger")))
    assert before < 6

    move_to_another_machine(tmp_path, monkeypatch)
    said = command.run("run", "slow.yaml", "--storage", url, "--no-mlflow")
    assert f"[{before}/6]" not in said, "what was done is not done again"
    entries = Ledger(store, RunId("slow")).entries()
    assert len(entries) == 6
    assert {entry.outcome for entry in entries} == {"completed"}
    assert max(entry.attempts for entry in entries) == 2, "a trial continued where it was"
    assert all([epoch["train/loss"] for epoch in entry.curve] == [1 / n for n in range(1, 7)] for entry in entries)


def saved(store: S3Store) -> int:
    """How many checkpoints the trials have that are under way."""
    done = {name.removesuffix(".parquet") for name in store.names("studies/slow/ledger")}
    trials = [name for name in store.names("studies/slow/trials") if name not in done]
    return sum(len(Checkpoints.of_trial(store, RunId("slow"), trial).manifest.saved) for trial in trials)
