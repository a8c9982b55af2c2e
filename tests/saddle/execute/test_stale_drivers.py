"""A driver that was stopped for longer than its lease lasts, and resumes while another one has its study or had it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from saddle.store.checkpoint.checkpoints import Checkpoints
from saddle.store.ledger.ledger import Ledger
from saddle.store.s3.store import S3Store
from saddle.trial.run_id import RunId
from saddle.verify.verify_study import verify_study
from tests.support.commands import processes_naming
from tests.support.s3 import S3
from tests.support.waiting import wait_until

RUN = RunId("slow")
STALE = 4.0

STUDY = """
study: slow
trainable: parabola
fixed: {epochs: 5, pause: 0.25}
ablation:
  baseline: {x: 0.3}
  factors: {x: [0.3, 0.5]}
  seeds: 4
  compare: {metric: test/score}
"""

DRIVER = f"""
import sys
import saddle.store.ownership.lease as leases
from saddle.cli import main
leases.RENEW_SECONDS, leases.STALE_SECONDS = 0.5, {STALE}
main()
"""


class Machine:
    """Drivers with a home of their own, as on another machine."""

    def __init__(self, folder: Path, name: str, url: str) -> None:
        self.folder, self.name, self.url = folder, name, url
        (folder / "slow.yaml").write_text(STUDY)

    def drive(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", DRIVER, "run", "slow.yaml", "--storage", self.url],
            cwd=self.folder,
            env={**os.environ, "SADDLE_HOME": str(self.folder / self.name), "SADDLE_TEST_MARK": str(self.folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def drive_once_the_lease_is_stale(self) -> subprocess.Popen[str]:
        store = S3Store(self.url.split("/")[2], "runs")
        wait_until(lambda: lease_age(store) > STALE, "the lease grows stale", 60)
        return self.drive()


def lease_age(store: S3Store) -> float:
    from saddle.store.ownership.lease import find_lease

    found = find_lease(store, "studies/.slow.lease")
    return 1e9 if found is None else found.age


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    for process in processes_naming(f"SADDLE_TEST_MARK={tmp_path}"):
        os.kill(process, signal.SIGKILL)


def objects(s3: S3, bucket: str) -> dict[str, str]:
    """Everything in a bucket, with its ETag."""
    pages = s3.client().get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return {found["Key"]: found["ETag"] for page in pages for found in page.get("Contents", ())}


def under_way(store: S3Store) -> int:
    """How many epochs the unfinished trials have reached."""
    done = Ledger(store, RUN).keys()
    trials = [name for name in store.names("studies/slow/trials") if name not in done]
    return sum(Checkpoints.of_trial(store, RUN, trial).manifest.epochs for trial in trials)


def end_of(process: subprocess.Popen[str]) -> tuple[int, str]:
    said, _ = process.communicate(timeout=240)
    return process.returncode, said


@pytest.mark.fault("driver stopped for longer than its lease lasts")
@pytest.mark.parametrize(
    "moment", [pytest.param("after its successor has finished", marks=pytest.mark.slow), "while its successor trains"]
)
def test_a_stopped_driver_that_goes_on_changes_nothing_of_its_successor_s(folder: Path, s3: S3, moment: str) -> None:
    bucket = s3.bucket()
    store, url = S3Store(bucket, "runs"), f"s3://{bucket}/runs"
    first, second = Machine(folder, "first", url), Machine(folder, "second", url)
    ledger = Ledger(store, RUN)
    stale = first.drive()
    wait_until(lambda: len(ledger.keys()) >= 2 and under_way(store) >= 1, "a trial is under way after two", 180)
    os.kill(stale.pid, signal.SIGSTOP)
    before = set(ledger.keys())
    successor = second.drive_once_the_lease_is_stale()
    if moment.startswith("while"):
        wait_until(lambda: len(ledger.keys()) > len(before), "the successor ends a trial", 180)
        os.kill(stale.pid, signal.SIGCONT)
    code, said = end_of(successor)
    assert code == 0, said
    left = objects(s3, bucket)
    if stale.poll() is None:
        os.kill(stale.pid, signal.SIGCONT)
    code, said = end_of(stale)
    assert code == 3, said
    assert "slow was taken over by process" in said
    assert "none of its finished trials is lost" in said
    assert "Traceback" not in said
    time.sleep(1.0)  # for what its workers might still write
    assert objects(s3, bucket) == left
    entries = ledger.entries()
    assert len(entries) == 8
    assert {entry.key: entry.token for entry in entries} == {
        entry.key: 1 if entry.key in before else 2 for entry in entries
    }
    assert all([epoch["train/loss"] for epoch in entry.curve] == [1 / n for n in range(1, 6)] for entry in entries)
    verification = verify_study(store, RUN)
    of_storage = [str(one) for one in verification.differences if one.where != "mlflow"]
    assert of_storage == []
