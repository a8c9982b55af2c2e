"""A machine's death is distinguished from a worker's own, and what dead actors leave behind is freed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import ray
from ray.cluster_utils import Cluster
from ray.exceptions import RayActorError
from ray.util.placement_group import placement_group, remove_placement_group

from saddle.cluster import ray_internals
from saddle.cluster.connection import OBJECT_STORE_BYTES
from saddle.cluster.failures.causes import Death, explain_death, free_orphaned_groups
from saddle.execute.driver import Options, run_study
from saddle.store.local import LocalStore
from saddle.studyfile.loader import parse_studies
from tests.support.waiting import wait_until

pytestmark = pytest.mark.fault("worker killed; machine lost")

WAIT_SECONDS = 120


@pytest.fixture(scope="module")
def two_nodes() -> Iterator[Cluster]:
    """A head without CPUs for actors, and a node that may be killed."""
    head = {"num_cpus": 1, "object_store_memory": OBJECT_STORE_BYTES, "include_dashboard": False}
    quickly = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 500, "health_check_failure_threshold": 4}
    cluster = Cluster(initialize_head=True, head_node_args={**head, "_system_config": quickly})
    cluster.add_node(num_cpus=1, resources={"far": 1}, object_store_memory=OBJECT_STORE_BYTES)
    ray.init(address=cluster.address, log_to_driver=False)
    cluster.wait_for_nodes()
    yield cluster
    ray.shutdown()
    cluster.shutdown()


class Sleeper:
    """Sleeps, and may hold a placement group."""

    def sleep(self) -> None:
        time.sleep(600)

    def lock(self) -> bool:
        self.group = placement_group([{"CPU": 1}])
        return bool(self.group.wait(WAIT_SECONDS))

    def process(self) -> int:
        return os.getpid()


def death_of(call: Any) -> BaseException:
    with pytest.raises(RayActorError) as caught:
        ray.get(call, timeout=WAIT_SECONDS)
    return caught.value


def test_a_killed_worker_counts_and_a_lost_machine_does_not(two_nodes: Cluster) -> None:
    actor = ray.remote(num_cpus=0)(Sleeper).options(resources={"far": 0.1}, max_restarts=0)
    killed, lost = actor.remote(), actor.remote()
    process = ray.get(killed.process.remote(), timeout=WAIT_SECONDS)
    ray.get(lost.process.remote(), timeout=WAIT_SECONDS)
    asleep = [killed.sleep.remote(), lost.sleep.remote()]
    os.kill(process, signal.SIGKILL)
    counted = explain_death(death_of(asleep[0]))
    assert not counted.of_machine
    assert counted.why == "signal 9 (SIGKILL), as by kill -9 or a batch system"
    [far] = two_nodes.worker_nodes
    two_nodes.remove_node(far, allow_graceful=False)
    assert explain_death(death_of(asleep[1])) == Death(True, "its node died")
    assert explain_death(ValueError("no death at all")) == Death(False, "ValueError: no death at all")


def test_the_placement_groups_of_an_ended_job_are_freed_but_for_detached_ones_and_those_of_living_actors(
    two_nodes: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a restart of the head; here the job continues, and only its table says that it is over."""
    groups = [placement_group([{"memory": 1024}], lifetime=lifetime) for lifetime in (None, "detached")]
    holder = ray.remote(num_cpus=0)(Sleeper).remote()
    assert ray.get([*(group.ready() for group in groups), holder.lock.remote()], timeout=WAIT_SECONDS)
    assert free_orphaned_groups() == 0
    own = bytes.fromhex(ray.get_runtime_context().get_job_id())
    monkeypatch.setattr(ray_internals, "ended_jobs", lambda: {own})
    assert free_orphaned_groups() == 1
    remaining = {group.placement_group_id for group in ray_internals.placement_groups()}
    assert groups[0].id.binary() not in remaining
    assert groups[1].id.binary() in remaining
    assert len(remaining) == 2
    remove_placement_group(groups[1])
    ray.kill(holder)
    monkeypatch.undo()
    wait_until(lambda: free_orphaned_groups() > 0, "the freeing of the dead actor's group", pause=0.2)


def test_the_placement_group_of_a_dead_actor_is_freed_and_a_living_ones_stays(two_nodes: Cluster) -> None:
    holder = ray.remote(num_cpus=0)(Sleeper).remote()
    assert ray.get(holder.lock.remote(), timeout=WAIT_SECONDS)
    assert free_orphaned_groups() == 0
    assert ray.available_resources().get("CPU", 0) == 0
    ray.kill(holder)
    # Ray takes a moment to know of the death, and frees nothing itself
    wait_until(lambda: free_orphaned_groups() > 0, "the freeing of the dead actor's group", pause=0.2)
    wait_until(lambda: ray.available_resources().get("CPU", 0) >= 1, "the return of the group's CPU", pause=0.2)


STUDY = """\
study: after-an-ended-job
trainable: parabola
fixed: {epochs: 1}
search: {x: {float: [0, 1]}}
objective: {maximize: validation/score}
sampler: random
budget: {trials: 1}
"""
HOLDER = """\
import sys
import ray
from ray.util.placement_group import placement_group
ray.init(address=sys.argv[1], log_to_driver=False)
assert placement_group([{"CPU": 1}]).wait(60)
print(ray.get_runtime_context().get_job_id(), flush=True)
sys.stdin.read()
"""
"""A job that holds the only CPU."""


def test_a_study_frees_at_its_start_what_ended_jobs_hold(
    two_nodes: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job continues here, and only its table says that it has ended; else the study would wait for ever."""
    for far in list(two_nodes.worker_nodes):
        two_nodes.remove_node(far)
    command = [sys.executable, "-c", HOLDER, two_nodes.address]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        watchdog = threading.Timer(WAIT_SECONDS, holder.stdin.close)
        watchdog.start()
        job = holder.stdout.readline().strip()
        monkeypatch.setattr(ray_internals, "ended_jobs", lambda: {bytes.fromhex(job)})
        [study] = parse_studies(STUDY, "ended.yaml")
        [entry] = run_study(study, LocalStore(tmp_path), [{"CPU": 1.0}], Options(track=False)).entries
        assert not holder.stdin.closed, "the study started only when the other job was gone"
        watchdog.cancel()
        holder.stdin.close()
    assert entry.outcome == "completed", entry.why
