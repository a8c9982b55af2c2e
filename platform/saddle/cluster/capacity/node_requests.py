"""Asks a cluster's autoscaler for the nodes that its studies can use, and takes back what a dead driver asked for.

Ray keeps one request for a whole cluster, the last one made, and keeps it until it is replaced: two studies would
replace each other's, and that of a killed driver would hold its nodes forever. So an actor on the head node makes the
request. It outlives drivers, asks for what all of them can use together, forgets what a driver asked for whose job has
ended, and ends once no study asks for anything.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from saddle.cluster.capacity.slot_count import Bundles
from saddle.cluster.ray_internals import HEAD_NODE, live_jobs

NAME = "saddle-node-requests"
NAMESPACE = "saddle"
WATCH_SECONDS = 2.0
ASK_SECONDS = 30.0
REPEAT_SECONDS = 20.0
"""How often a driver says again what it can use: an actor that died with its process has forgotten it."""


class NodeRequests:
    """The actor: what the driver of each job can use, by the job's id."""

    def __init__(self) -> None:
        self._by_job: dict[str, Bundles] = {}
        self._lock = threading.Lock()
        self._handle: Any = None
        self._send()  # what an earlier one left behind
        threading.Thread(target=self._watch, name="saddle-node-requests", daemon=True).start()

    def ask(self, job: str, bundles: Bundles) -> None:
        """Replace what this job can use; nothing withdraws it."""
        import ray

        self._handle = self._handle or ray.get_runtime_context().current_actor
        with self._lock:
            before = self._by_job.pop(job, [])
            if bundles:
                self._by_job[job] = bundles
            if before != bundles:
                self._send()

    def _send(self) -> None:
        from ray.autoscaler.sdk import request_resources

        request_resources(bundles=[bundle for bundles in self._by_job.values() for bundle in bundles])

    def _watch(self) -> None:
        """Drop the requests of drivers that are gone; end the actor once there is none."""
        import ray

        ended = threading.Event()
        while not ended.wait(WATCH_SECONDS):
            with contextlib.suppress(ray.exceptions.RayError):  # the cluster may be busy, or going down
                if self._is_idle():
                    ray.kill(self._handle)
                    return

    def _is_idle(self) -> bool:
        """Whether no study with a live driver asks for anything any more."""
        with self._lock:
            self._drop(set(self._by_job) - live_jobs())
            return not self._by_job and self._handle is not None

    def _drop(self, jobs: set[str]) -> None:
        for job in jobs:
            del self._by_job[job]
        if jobs:
            self._send()


class NodeRequest:
    """What this driver asks for; use `asking_for_nodes`."""

    def __init__(self) -> None:
        self._requested: Bundles = []
        self._actor: Any = None
        self._repeat = threading.Event()

    def ask(self, bundles: Bundles) -> None:
        """Ask for room for all of these at the same time, instead of what was asked before."""
        if bundles != self._requested or (bundles and self._repeat.is_set()):
            self._repeat.clear()
            self._requested = bundles
            self._send()

    def repeat(self) -> None:
        """Say the same again with the next `ask`."""
        self._repeat.set()

    def _send(self) -> None:
        """A study continues where its request can't be made: it waits for the nodes that come."""
        import ray

        with contextlib.suppress(ray.exceptions.RayError, ValueError):
            self._actor = self._actor or start_requests()
            ray.get(
                self._actor.ask.remote(ray.get_runtime_context().get_job_id(), self._requested), timeout=ASK_SECONDS
            )
            return
        self._actor = None
        self.repeat()


@contextlib.contextmanager
def asking_for_nodes() -> Iterator[NodeRequest]:
    """A request that is withdrawn at the end of the block, or some seconds after this process is killed."""
    request, ended = NodeRequest(), threading.Event()

    def repeat() -> None:
        while not ended.wait(REPEAT_SECONDS):
            request.repeat()

    repeater = threading.Thread(target=repeat, name="saddle-node-request", daemon=True)
    repeater.start()
    try:
        yield request
    finally:
        ended.set()
        repeater.join(REPEAT_SECONDS)
        request.ask([])


def start_requests() -> Any:
    """The cluster's one actor for requests, on the head node: other nodes come and go."""
    import ray

    actor_class = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=3)(NodeRequests)
    return actor_class.options(
        name=NAME, namespace=NAMESPACE, lifetime="detached", get_if_exists=True, resources={HEAD_NODE: 0.001}
    ).remote()
