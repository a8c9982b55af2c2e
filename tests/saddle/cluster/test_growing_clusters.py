"""A study on a cluster that grows and shrinks: from no node at all, with nodes that join, and down to none again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from saddle.store.ledger.ledger import Ledger
from saddle.store.local import LocalStore
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import RunId
from tests.saddle.submit.conftest import METHODS
from tests.support.autoscaling import AutoscalingNodes
from tests.support.ray_nodes import RayNodes
from tests.support.waiting import PROCESS_SECONDS, wait_until

STUDY_SECONDS = 600
STUDY = """
study: growing
trainable: parabola
fixed: {{epochs: 4, pause: {pause}}}
search: {{x: {{float: [0.0, 1.0]}}}}
objective: {{maximize: validation/score}}
sampler: {{random: {{seed: 0}}}}
budget: {{trials: {trials}}}
resources: {{{resources}}}
"""


@dataclass
class Driver:
    """A running `saddle run`, and what it has said."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def wait_for(self, text: str, seconds: float = STUDY_SECONDS) -> None:
        wait_until(lambda: text in self.said, f"saying {text!r}", seconds, process=self.process, show=lambda: self.said)

    def wait_for_trial(self, folder: Path) -> None:
        """Until the ledger has a first trial."""
        wait_until(
            lambda: entries(folder), "a first trial", STUDY_SECONDS, process=self.process, pause=0.5,
            show=lambda: self.said,
        )  # fmt: skip

    def wait(self) -> None:
        assert self.process.wait(STUDY_SECONDS) == 0, self.said


@contextmanager
def driving(cluster: RayNodes, folder: Path, *, name: str = "first", **environment: str) -> Iterator[Driver]:
    log = folder / f"{name}.txt"
    access = {**os.environ, **cluster.access(), "RAY_ADDRESS": cluster.address, **environment}
    command = [sys.executable, "-m", "saddle.cli", "run", "growing.yaml", "--no-mlflow", "--package", str(METHODS)]
    with log.open("wb") as said:
        process = subprocess.Popen(command, cwd=folder, env=access, stdout=said, stderr=subprocess.STDOUT)
    try:
        yield Driver(process, log)
    finally:
        process.kill()
        process.wait(PROCESS_SECONDS)


def write_study(folder: Path, *, trials: int, pause: float, resources: str) -> None:
    (folder / "growing.yaml").write_text(STUDY.format(trials=trials, pause=pause, resources=resources))


def entries(folder: Path) -> list[TrialRecord]:
    return list(Ledger(LocalStore(folder / "runs"), RunId("growing")).entries())


def require_complete(folder: Path, trials: int) -> None:
    records = entries(folder)
    assert len({record.key for record in records}) == len(records) == trials
    assert {record.outcome for record in records} == {"completed"}, [record.why for record in records]


def wait_for_no_worker(cluster: AutoscalingNodes) -> None:
    wait_until(lambda: not cluster.raylets(), "the end of idle nodes", 240, pause=1)


@pytest.mark.fault("an autoscaler's request of a killed driver")
@pytest.mark.long
@pytest.mark.timeout(1800)
def test_from_no_node_to_as_many_as_declared_and_down_again_also_after_a_kill(tmp_path: Path) -> None:
    write_study(tmp_path, trials=6, pause=0.5, resources="slots: 2")
    with AutoscalingNodes(most=3) as cluster:
        cluster.start(0)
        with driving(cluster, tmp_path, name="killed") as driver:
            driver.wait_for(
                "waiting for a node with room for a trial (1 CPU), which none of 1 in the cluster has, for at most 15 "
            )
            wait_until(lambda: len(cluster.raylets()) == 2, "two nodes, as declared", 240, pause=1)
            driver.wait_for_trial(tmp_path)
            driver.process.send_signal(signal.SIGKILL)
            driver.process.wait(PROCESS_SECONDS)
        wait_for_no_worker(cluster)
        before = len(entries(tmp_path))
        assert before < 6, "the driver was killed too late"
        with driving(cluster, tmp_path, name="second") as driver:
            driver.wait_for("waiting for a node")
            driver.wait()
            assert "The best of 6 trials" in driver.said
        require_complete(tmp_path, 6)
        wait_for_no_worker(cluster)
    assert not cluster.strays()


@pytest.mark.fault("a node that joins in mid-study, and one that drains")
@pytest.mark.long
@pytest.mark.timeout(1800)
def test_nodes_that_join_are_used_and_those_that_leave_are_missed_by_no_trial(tmp_path: Path) -> None:
    write_study(tmp_path, trials=60, pause=0.7, resources="")
    with RayNodes() as cluster, driving(cluster.start(1), tmp_path) as driver:
        driver.wait_for_trial(tmp_path)
        joined = cluster.add_node(1)
        driver.wait_for("2 trials at a time now: the cluster has 2 nodes")
        wait_until(lambda: slots_used(tmp_path) == 2, "trials on both nodes", STUDY_SECONDS, process=driver.process)
        joined.process.terminate()  # as `ray stop` on it does: it drains
        driver.wait_for("1 trial at a time now: the cluster has 1 node")
        driver.wait()
        require_complete(tmp_path, 60)


def slots_used(folder: Path) -> int:
    """How many processes have run trials; each of the nodes has room for one."""
    return len({record.metrics.get("test/process") for record in entries(folder)} - {None})


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_node_that_never_comes_ends_the_study_with_what_was_missing(tmp_path: Path) -> None:
    write_study(tmp_path, trials=2, pause=0, resources="slots: 2, cpus_per_worker: 5")
    with RayNodes() as cluster, driving(cluster.start(1), tmp_path, SADDLE_NODE_MINUTES="0.05") as driver:
        assert driver.process.wait(STUDY_SECONDS) == 3, driver.said
    assert "no node that can run a trial has joined the cluster within 0.05 minutes" in driver.said
    assert "a worker needs 5 CPU, this machine has 1" in driver.said
    status = [sys.executable, "-m", "saddle.cli", "status", "growing"]
    said = subprocess.run(status, cwd=tmp_path, capture_output=True, text=True, timeout=240).stdout
    assert "growing: stopped" in said
    assert "no node that can run a trial" in said
