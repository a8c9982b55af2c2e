"""A process that held a study, was stopped for longer than its lease lasts, and continues to write."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import saddle.store.ownership.lease as leases
from saddle.store.checkpoint.checkpoints import Checkpoints
from saddle.store.ledger.ledger import Ledger
from saddle.store.ownership.lock import lock_study
from saddle.store.s3.store import S3Store
from saddle.trial.run_id import RunId
from tests.support.records import changed, make_record
from tests.support.s3 import S3
from tests.support.waiting import PROCESS_SECONDS, wait_until

RUN = RunId("digits")
STALE = 3.0
ENTRY = make_record("trial-00001", "digits", 0, "completed", {}, {}, {"validation/a": 0.5}, number=1)

WRITER = """
import sys
import saddle.store.ownership.lease as leases
from saddle.archive.studies import settle_study
from saddle.execute.progress import ProgressKeeper, Silent
from saddle.archive.progress import Progress
from saddle.search.unfinished import write_settings
from saddle.store.checkpoint.checkpoints import Checkpoints, Superseded
from saddle.store.ownership.fence import TakenOver, write_fenced
from saddle.store.ledger.ledger import Ledger
from saddle.store.ownership.lock import lock_study
from saddle.store.open import open_store
from saddle.store.checkpoint.retention import Removal, remove
from saddle.trial.run_id import RunId
from saddle.trial.spec import TrialSpec
from dataclasses import replace
from saddle.trial.measurement import Measurement
from saddle.trial.progress import TrialProgress
from saddle.trial.record import TrialRecord

RUN = RunId("digits")
TRIAL = TrialProgress(TrialSpec("trial-00001", RUN, {}, 0, number=1))
ENTRY = TrialRecord(TRIAL, "completed", Measurement({"validation/a": 0.5}))

leases.RENEW_SECONDS = leases.STALE_SECONDS = 1000.0  # it never looks, as if it had no time to
leases.place = lambda: "elsewhere"
store = open_store(sys.argv[1], create=False)
with lock_study(store, RUN) as lock:
    checkpoints = Checkpoints.of_trial(store, RUN, "trial-00001", lock.token)
    checkpoints.claim(1.0)
    checkpoints.save(1, {"epoch": 1}, {"validation/a": 0.1}, 1.0, True)
    keeper = ProgressKeeper(Progress("digits"), store, RUN, Silent(), lock=lock)
    keeper.started("trial-00001")
    print("held", flush=True)
    sys.stdin.readline()
    writes = {
        "checkpoint": lambda: checkpoints.save(2, {"epoch": 2}, {"validation/a": 0.2}, 2.0, True),
        "verdict": lambda: Checkpoints.of_trial(store, RUN, "trial-00001", lock.token).give_up("failed", "died"),
        "entry": lambda: Ledger(store, RUN).add(replace(ENTRY, token=lock.token, outcome="failed")),
        "proposal": lambda: write_settings(store, TrialSpec("trial-00001", RUN, {"x": 2}, 0, number=1), lock),
        "removal": lambda: remove(store, RUN, [Removal("trial-00001", "studies/digits/x", 1, "stale")], lock),
        "facts": lambda: write_fenced(store, "studies/digits/instance.json", b"stale", lock),
    }
    for name, write in writes.items():
        try:
            write()
            print(name, "was written", flush=True)
        except (TakenOver, Superseded) as error:
            print(name, "was refused", flush=True)
    keeper._written = 0.0
    keeper.started("trial-00009")
    print("lost" if lock.lost else "held", flush=True)
"""


@pytest.mark.fault("driver stopped for longer than its lease lasts")
def test_nothing_that_a_stale_process_writes_reaches_what_its_successor_wrote(
    s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "RENEW_SECONDS", 0.5)
    monkeypatch.setattr(leases, "STALE_SECONDS", STALE)
    bucket = s3.bucket()
    store = S3Store(bucket, "runs", patience=10.0)
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, store.url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "SADDLE_HOME": str(tmp_path / "other")},
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline().strip() == "held"
        os.kill(process.pid, signal.SIGSTOP)
        wait_until(lambda: age(store) > STALE, "the lease grows stale", 60)
        with lock_study(store, RUN) as lock:
            assert lock.token == 2
            store.write("studies/digits/x", b"kept")
            store.write("studies/digits/instance.json", b"the successor's")
            worker = Checkpoints.of_trial(store, RUN, "trial-00001", lock.token)
            assert worker.claim(2.0) == 2
            worker.save(2, {"epoch": 2}, {"validation/a": 0.3}, 2.0, best=True)
            Ledger(store, RUN).add(changed(ENTRY, token=lock.token))
            before = objects(s3, bucket)
            os.kill(process.pid, signal.SIGCONT)
            said, _ = process.communicate("continue\n", timeout=PROCESS_SECONDS)
            after = objects(s3, bucket)
            assert not lock.lost
    finally:
        process.kill()
        process.wait(PROCESS_SECONDS)
    assert said.splitlines() == [
        *(f"{name} was refused" for name in ("checkpoint", "verdict", "entry", "proposal", "removal", "facts")),
        "lost",
    ]
    lease = "runs/studies/.digits.lease"
    assert {**before, lease: ""} == {**after, lease: ""}


def age(store: S3Store) -> float:
    found = leases.find_lease(store, "studies/.digits.lease")
    return 0.0 if found is None else found.age


def objects(s3: S3, bucket: str) -> dict[str, str]:
    """Everything in a bucket, with its ETag."""
    pages = s3.client().get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return {found["Key"]: found["ETag"] for page in pages for found in page.get("Contents", ())}
