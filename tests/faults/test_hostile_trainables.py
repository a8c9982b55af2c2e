"""Trainables that do what no trainable should: leave children, report without end, hold very large arrays."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from saddle.store.ledger.ledger import Ledger
from saddle.store.local import LocalStore
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import RunId
from tests.support.commands import Command
from tests.support.waiting import PROCESS_SECONDS, wait_until

REPORTS = int(os.environ.get("SADDLE_TEST_REPORTS", "100000"))
MEGABYTES = 500
RUN_SECONDS = 3400
"""How long a study may take at most; less than the limits of the slow tests below."""

STUDY = """
study: hostile
trainable: ./hostile.py:train
fixed: {epochs: EPOCHS}
search: {lr: {float: [0.01, 1.0], log: true}}
objective: {maximize: validation/accuracy}
sampler: {random: {seed: 0}}
budget: {trials: 2}
resources: {concurrency: 1}
"""

FORKING = """
import os, time
def train(config, run):
    for epoch in range(config.epochs):
        if os.fork() == 0:
            time.sleep(3600)
            os._exit(0)
        run.report({"validation/accuracy": 1 - config.lr})
"""

MANY_REPORTS = """
def train(config, run):
    for epoch in range(config.epochs):
        run.report({"validation/accuracy": 1 - config.lr / (epoch + 1)})
"""

LARGE = f"""
import torch
def train(config, run):
    for epoch in range(config.epochs):
        arrays = torch.full(({MEGABYTES}, 2**18), float(epoch))
        run.report({{"validation/accuracy": float(arrays.mean() >= 0) - config.lr}}, state={{"arrays": arrays}})
"""


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Command]:
    command = Command(tmp_path)
    yield command
    command.kill_leftovers()


def run(command: Command, source: str, epochs: int) -> list[TrialRecord]:
    """What becomes of the study; the source may not stop it."""
    (command.folder / "hostile.py").write_text(source)
    (command.folder / "hostile.yaml").write_text(STUDY.replace("EPOCHS", str(epochs)))
    command.run("run", "hostile.yaml", "--no-mlflow", seconds=RUN_SECONDS)
    return list(Ledger(LocalStore(command.folder / "runs"), RunId("hostile")).entries())


@pytest.mark.fault("a trainable that forks")
@pytest.mark.long
def test_one_that_forks_leaves_no_process(command: Command) -> None:
    records = run(command, FORKING, epochs=2)
    assert [record.outcome for record in records] == ["completed"] * 2
    wait_until(lambda: not command.leftovers(), "the end of the children", PROCESS_SECONDS)


@pytest.mark.fault("a trainable with 100,000 reports")
@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_one_with_very_many_reports_is_kept_whole(command: Command) -> None:
    records = run(command, MANY_REPORTS, epochs=REPORTS // 2)
    assert [(record.outcome, record.epochs, len(record.curve)) for record in records] == [
        ("completed", REPORTS // 2, REPORTS // 2)
    ] * 2


@pytest.mark.fault("a trainable with 500 MB of arrays")
@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_one_with_large_arrays_burdens_no_driver(command: Command) -> None:
    records = run(command, LARGE, epochs=2)
    assert [record.outcome for record in records] == ["completed"] * 2
    stored = sum(path.stat().st_size for path in (command.folder / "runs").rglob("*.pt"))
    assert stored >= MEGABYTES * 2**20, "the arrays are not in the checkpoints"
    others = [path for path in (command.folder / "runs").rglob("*") if path.is_file() and path.suffix != ".pt"]
    assert max(path.stat().st_size for path in others) < 20 * 2**20, "the arrays went another way, too"
