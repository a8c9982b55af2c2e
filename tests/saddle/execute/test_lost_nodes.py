"""Machines that go away, one after the other, never count against the trial that was on them."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray
from ray.cluster_utils import Cluster

from saddle.execute.cluster import OBJECT_STORE_BYTES, connect
from saddle.execute.driver import Options, run_study
from saddle.execute.stopping import stop_path
from saddle.store.checkpoints import Checkpoints
from saddle.store.ledger import Ledger
from saddle.store.local import LocalStore
from saddle.study.loader import parse_studies
from saddle.trial.run_id import RunId

pytestmark = pytest.mark.fault("five machines lost in turn")

LOST = 5
WAIT_SECONDS = 120
STUDY = """
study: lost
trainable: parabola
fixed: {{epochs: {epochs}, pause: 0.4}}
resources: {{workers: {workers}, cpus_per_worker: {cpus}}}
search: {{x: {{float: [0.0, 1.0]}}}}
objective: {{maximize: validation/score}}
sampler: {{random: {{seed: 0}}}}
budget: {{trials: 1}}
"""


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A head without CPUs, which hears within seconds of nodes that are gone."""
    head = {"num_cpus": 0, "object_store_memory": OBJECT_STORE_BYTES, "include_dashboard": False}
    quickly = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 500, "health_check_failure_threshold": 4}
    cluster = Cluster(initialize_head=True, head_node_args={**head, "_system_config": quickly})
    ray.init(address=cluster.address, log_to_driver=False)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


class Reaper(threading.Thread):
    """Takes the node away that a trial is on, as often as it gets to a further epoch, and brings another one."""

    def __init__(self, cluster: Cluster, store: LocalStore) -> None:
        super().__init__(daemon=True)
        self.cluster, self.store, self.taken, self.trouble = cluster, store, 0, ""
        self.node = self.add()

    def add(self) -> object:
        for _ in range(3):  # a busy machine takes longer for a node than Ray waits
            with contextlib.suppress(Exception):  # Ray raises a plain one where a node doesn't come up in time
                return self.cluster.add_node(num_cpus=1, object_store_memory=OBJECT_STORE_BYTES)
        raise AssertionError("no further node came up")

    def run(self) -> None:
        try:
            reached = 0
            for _ in range(LOST):
                reached = self.wait_for_epoch_after(reached)
                # half of them are shut down in order, as `ray stop` does it; the others lose their power
                self.cluster.remove_node(self.node, allow_graceful=self.taken % 2 == 1)
                self.taken += 1
                self.node = self.add()
        except Exception as error:  # told by the test, whose thread waits for the trial
            self.trouble = repr(error)
            self.store.write(stop_path(RunId("lost")), b"")

    def wait_for_epoch_after(self, reached: int) -> int:
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            for key in self.store.names("studies/lost/trials"):
                epoch = len(Checkpoints.of_trial(self.store, RunId("lost"), key).manifest.curve)
                if epoch > reached:
                    return epoch
            time.sleep(0.1)
        raise AssertionError(f"no epoch after {reached} within {WAIT_SECONDS} s")


@pytest.mark.parametrize("workers", [1, 2])
def test_five_lost_machines_in_turn_do_not_count(cluster: Cluster, tmp_path: Path, workers: int) -> None:
    store = LocalStore(tmp_path / "runs")
    [study] = parse_studies(STUDY.format(workers=workers, cpus=1 / workers, epochs=30), "lost.yaml")
    reaper = Reaper(cluster, store)
    cluster.wait_for_nodes()
    with connect():
        reaper.start()
        run_study(study, store, [{"CPU": 1.0}], Options(track=False))
    reaper.join(10)
    assert not reaper.trouble
    assert reaper.taken == LOST
    [entry] = Ledger(store, RunId("lost")).entries()
    assert entry.outcome == "completed", entry.why
    assert (entry.epochs, len(entry.curve)) == (30, 30)
    assert entry.attempts >= LOST + 1
