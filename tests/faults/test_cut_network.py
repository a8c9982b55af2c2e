"""The network of a node is cut, not its power: its trial trains on, stores and reports, and nothing of it counts."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from saddle.store.checkpoint.checkpoints import Checkpoints
from saddle.store.ledger.ledger import Ledger
from saddle.store.local import LocalStore
from saddle.trial.run_id import RunId
from tests.support.commands import processes_naming
from tests.support.far_network import FarNetwork, far_network
from tests.support.ray_nodes import Node, RayNodes
from tests.support.waiting import PROCESS_SECONDS, wait_until

pytestmark = [
    pytest.mark.fault("a node's network cut with its orphan reporting"), pytest.mark.long, pytest.mark.timeout(1800),
]  # fmt: skip

BEFORE_ITS_END, AFTER_ITS_END = "while its successor trains", "after its successor has ended"
RUN, TRIALS, EPOCHS, HELD = RunId("cut"), 6, 5, 2
STUDY_SECONDS = 600
HEALTH = {
    "RAY_health_check_initial_delay_ms": "0", "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "5000", "RAY_health_check_failure_threshold": "6",
    "RAY_gcs_rpc_server_reconnect_timeout_s": "900",
}  # fmt: skip
"""With them the head takes a silent node for dead after some 35 s, and the node doesn't end by itself meanwhile.

With less than half of that a busy machine's head took its own node for dead."""

STUDY = f"""
study: cut
trainable: ./held.py:train
fixed: {{epochs: {EPOCHS}, held: {HELD}, folder: .}}
search: {{lr: {{float: [0.01, 1.0]}}}}
objective: {{maximize: validation/accuracy}}
sampler: {{random: {{seed: 0}}}}
budget: {{trials: {TRIALS}, minutes_per_trial: 60}}
"""

TRAINABLE = """
import os, time
from pathlib import Path
from trainables.contract import Report

def train(config, run):
    state, folder = run.resume(), Path(config.folder)
    far = os.stat("/proc/self/ns/net").st_ino == int((folder / "network").read_text())
    waits = {config.held: "released"} if far else {config.held + 1: "refused"} if state else {}
    try:
        for epoch in range(state["epoch"] + 1 if state else 1, config.epochs + 1):
            time.sleep(0.2)
            while epoch in waits and not (folder / waits[epoch]).exists():
                (folder / f"waits-until-{waits[epoch]}").write_text(str(os.getpid()))
                time.sleep(0.1)
            metrics = {"validation/accuracy": 1 - config.lr / epoch, "train/process": os.getpid()}
            yield Report(metrics, {"epoch": epoch})
    finally:
        (folder / f"left-{os.getpid()}").touch()
"""
"""In the far network a trial waits in an epoch until it is released; where it is resumed elsewhere, in the next until
that was refused."""


@dataclass
class CutStudy:
    """A study whose driver and head are on this machine, with a further node in the network."""

    folder: Path
    cluster: RayNodes
    network: FarNetwork
    node: Node

    @property
    def mark(self) -> str:
        return f"SADDLE_TEST_MARK={self.folder}"

    @contextlib.contextmanager
    def driving(self) -> Iterator[subprocess.Popen[bytes]]:
        """The driver; what it says is in `said.txt`."""
        with (self.folder / "said.txt").open("wb") as said:
            process = subprocess.Popen(
                [sys.executable, "-m", "saddle.cli", "run", "cut.yaml"], cwd=self.folder, env=self.environment(),
                stdout=said, stderr=subprocess.STDOUT,
            )  # fmt: skip
        try:
            yield process
        finally:
            process.kill()
            process.wait(PROCESS_SECONDS)

    def environment(self) -> dict[str, str]:
        name, _, value = self.mark.partition("=")
        scratch = self.folder / "scratch"
        scratch.mkdir(exist_ok=True)
        return {
            **os.environ, **self.cluster.access(), "RAY_ADDRESS": self.cluster.address, "TMPDIR": str(scratch),
            "no_proxy": self.network.near, name: value,
        }  # fmt: skip

    @property
    def said(self) -> str:
        return (self.folder / "said.txt").read_text(errors="replace")

    def ask(self, *words: str) -> Any:
        """What a command answers as JSON."""
        done = subprocess.run(
            [sys.executable, "-m", "saddle.cli", *words, "--json"], cwd=self.folder, env=self.environment(),
            capture_output=True, text=True, timeout=STUDY_SECONDS,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    @property
    def store(self) -> LocalStore:
        return LocalStore(self.folder / "runs")

    def trial_of(self, process: int) -> str:
        """The trial that has epochs of the process, and has not ended; there is one at most."""
        keys = [
            key
            for key in self.store.names("studies/cut/trials")
            if process in [metrics["train/process"] for metrics in self.checkpoints(key).manifest.curve]
        ]
        return next((key for key in keys if key not in Ledger(self.store, RUN)), "")

    def checkpoints(self, key: str) -> Checkpoints:
        return Checkpoints.of_trial(self.store, RUN, key)

    def resources_in_use(self) -> list[str]:
        """The placement groups and actors that the cluster still has."""
        kinds = {"placement_groups": "REMOVED", "actors": "DEAD"}
        found = {kind: self.cluster.get(f"/api/v0/{kind}?detail=0")["data"]["result"]["result"] for kind in kinds}
        return [str(each) for kind, gone in kinds.items() for each in found[kind] if each["state"] != gone]


@pytest.fixture
def study(tmp_path: Path) -> Iterator[CutStudy]:
    with far_network() as network:
        (tmp_path / "cut.yaml").write_text(STUDY.replace("folder: .", f"folder: {tmp_path}"))
        (tmp_path / "held.py").write_text(TRAINABLE)
        (tmp_path / "network").write_text(str(network.inode))
        with RayNodes(ip=network.near, extra=HEALTH) as cluster:
            node = cluster.start(1).add_node(1, network=network)
            study = CutStudy(tmp_path, cluster, network, node)
            yield study
        assert not cluster.strays()
    assert not processes_naming(study.mark)


def wait_for_successor(study: CutStudy, key: str, moment: str) -> None:
    """Until the trial's second attempt has ended the epoch that the first is in, or has ended the trial."""

    def is_there() -> bool:
        if moment == AFTER_ITS_END:
            return key in Ledger(study.store, RUN)
        return (study.folder / "waits-until-refused").exists()

    wait_until(is_there, f"a second attempt of {key}", STUDY_SECONDS, show=lambda: study.said)


def require_each_trial_once(study: CutStudy, moved: str, orphan: int) -> None:
    """Nothing differs from the ledger, no trial is lost or doubled, and of the orphan is what it stored in time."""
    [verified] = study.ask("verify", "cut")
    assert (verified["differences"], verified["unfinished"]) == ([], [])
    rows = study.ask("results", "cut")
    assert [(row["trial"], row["outcome"]) for row in rows] == [(f"trial-{n:05d}", "completed") for n in range(TRIALS)]
    records = {record.key: record for record in Ledger(study.store, RUN).entries()}
    assert {key: record.attempts for key, record in records.items()} == {key: 1 + (key == moved) for key in records}
    processes = [metrics["train/process"] for metrics in records[moved].curve]
    assert [process == orphan for process in processes] == [True] * (HELD - 1) + [False] * (EPOCHS - HELD + 1)
    assert [len(record.curve) for record in records.values()] == [EPOCHS] * TRIALS


@pytest.mark.parametrize("moment", [BEFORE_ITS_END, AFTER_ITS_END])
def test_an_orphan_behind_a_cut_network_changes_nothing(study: CutStudy, moment: str) -> None:
    orphans = study.folder / "waits-until-released"
    if moment == AFTER_ITS_END:
        (study.folder / "refused").touch()
    with study.driving() as driver:
        wait_until(
            orphans.exists, "an epoch on the node that is to be cut off", STUDY_SECONDS, process=driver,
            show=lambda: study.said,
        )  # fmt: skip
        orphan = int(orphans.read_text())
        moved = study.trial_of(orphan)
        study.network.cut()
        study.cluster.wait_for_nodes(1)
        wait_for_successor(study, moved, moment)
        stored = study.checkpoints(moved).manifest
        assert psutil.pid_exists(orphan), "the orphan must outlive its node's death to the cluster"
        (study.folder / "released").touch()
        left = study.folder / f"left-{orphan}"
        wait_until(
            lambda: left.exists() or study.checkpoints(moved).manifest != stored,
            "the orphan's refusal",
            PROCESS_SECONDS,
        )
        assert study.checkpoints(moved).manifest == stored, "the orphan has written"
        assert left.exists(), "the orphan has ended its training"
        (study.folder / "refused").touch()
        study.network.heal()
        assert driver.wait(STUDY_SECONDS) == 0, study.said
    require_each_trial_once(study, moved, orphan)
    scratch = f"{study.cluster.scratch(study.node.name)}/"
    wait_until(
        lambda: not study.cluster.strays(scratch), "the end of a node that was taken for dead", PROCESS_SECONDS,
    )  # fmt: skip
    wait_until(
        lambda: not study.resources_in_use(), "the end of all that was reserved", PROCESS_SECONDS,
        show=lambda: str(study.resources_in_use()),
    )  # fmt: skip
    assert list((study.folder / "scratch").glob("saddle-*")) == [], "of the driver's temporary files"
