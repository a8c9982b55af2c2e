"""Machines that go away, one after the other, never count against the trial that was on them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray
from ray.cluster_utils import Cluster

from saddle.cluster.connection import OBJECT_STORE_BYTES, connect
from saddle.execute.driver import Options, run_study
from saddle.execute.stop_request import stop_path
from saddle.store.checkpoint.checkpoints import Checkpoints
from saddle.store.ledger.ledger import Ledger
from saddle.store.local import LocalStore
from saddle.studyfile.loader import parse_studies
from saddle.trial.run_id import RunId
from tests.support.waiting import join_all, wait_until

pytestmark = pytest.mark.fault("five machines lost in turn")

LOST = 5
WAIT_SECONDS = 240
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
    # without handlers of signals, which only the main thread may set: further nodes are started by another one
    cluster = Cluster(initialize_head=True, head_node_args={**head, "_system_config": quickly}, shutdown_at_exit=False)
    ray.init(address=cluster.address, log_to_driver=False)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


class Reaper(threading.Thread):
    """Takes the node away that a trial is on, as often as an attempt ends an epoch, and brings another one."""

    def __init__(self, cluster: Cluster, store: LocalStore) -> None:
        super().__init__(daemon=True)
        self.cluster, self.store, self.taken, self.trouble = cluster, store, 0, ""
        self.node = self.add()

    def add(self) -> object:
        trouble: Exception | None = None
        for _ in range(3):  # a busy machine takes longer for a node than Ray waits
            try:
                return self.cluster.add_node(num_cpus=1, object_store_memory=OBJECT_STORE_BYTES)
            except Exception as error:  # Ray raises a plain one where a node doesn't come up in time
                trouble = error
        raise AssertionError(f"no further node came up: {trouble}")

    def run(self) -> None:
        try:
            attempt = 0
            for _ in range(LOST):
                attempt = self.wait_for_attempt_after(attempt)
                # half of them are shut down in order, as `ray stop` does it; the others lose their power
                self.cluster.remove_node(self.node, allow_graceful=self.taken % 2 == 1)
                self.taken += 1
                self.node = self.add()
        except Exception as error:  # told by the test, whose thread waits for the trial
            self.trouble = repr(error)
            self.store.write(stop_path(RunId("lost")), b"")

    def wait_for_attempt_after(self, attempt: int) -> int:
        """The number of the next attempt, once it has ended an epoch: what the one before still does is not a sign."""
        begun_with: dict[int, int] = {}

        def next_attempt() -> int | None:
            for key in self.store.names("studies/lost/trials"):
                manifest = Checkpoints.of_trial(self.store, RunId("lost"), key).manifest
                first = begun_with.setdefault(manifest.attempts, len(manifest.curve))
                if manifest.attempts > attempt and len(manifest.curve) > first:
                    return manifest.attempts
            return None

        number: int = wait_until(next_attempt, f"an epoch of an attempt after {attempt}", WAIT_SECONDS, pause=0.1)
        return number


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_five_lost_machines_in_turn_do_not_count(cluster: Cluster, tmp_path: Path, workers: int) -> None:
    store = LocalStore(tmp_path / "runs")
    [study] = parse_studies(STUDY.format(workers=workers, cpus=1 / workers, epochs=30), "lost.yaml")
    reaper = Reaper(cluster, store)
    cluster.wait_for_nodes()
    with connect():
        reaper.start()
        run_study(study, store, [{"CPU": 1.0}], Options(track=False))
    join_all(reaper, seconds=WAIT_SECONDS)
    assert not reaper.trouble
    assert reaper.taken == LOST
    [entry] = Ledger(store, RunId("lost")).entries()
    assert entry.outcome == "completed", entry.why
    assert (entry.epochs, len(entry.curve)) == (30, 30)
    assert entry.attempts >= LOST + 1
