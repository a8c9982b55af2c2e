"""Notices that the cluster's control process is gone, before Ray ends this process without a word.

Without it nothing starts any more; the driver's main thread may hang in Ray, which after 60 s kills the process from
within, with a line of its own that takes knowledge of the GCS to read. So a thread looks, says what happened, and ends
the process itself: what was trained is in the storage, and the kernel releases the study's lock.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from saddle.cluster.auth import has_token, our_token, probe
from saddle.cluster.ports import rays_processes
from saddle.cluster.ray_internals import own_node
from saddle.errors import ClusterError, InfrastructureError
from saddle.store.infrastructure_errors import explain_fault

LOOK_SECONDS = 0.5
ASK_SECONDS = 10.0
PATIENCE = 40.0
"""How long a cluster that was joined may not answer: its head may be restarted, and at 60 s Ray ends this process."""

ESSENTIAL = {"gcs_server": "its control process (GCS)", "raylet": "its raylet"}


@contextlib.contextmanager
def watching_cluster(tell: Callable[[InfrastructureError], None]) -> Iterator[None]:
    """Meanwhile end this process, with exit code 3, where the cluster that it is connected to is gone.

    `tell` is called first, on another thread.
    """
    ended = threading.Event()
    watch = ClusterWatch()

    def look() -> None:
        while not ended.wait(LOOK_SECONDS):
            what = watch.trouble()
            if what and not ended.is_set():
                end_process(explain_fault(what, "see why in Ray's logs if it happens again"), tell)

    thread = threading.Thread(target=look, name="saddle-cluster-watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(2 * ASK_SECONDS)


def end_process(error: InfrastructureError, tell: Callable[[InfrastructureError], None]) -> None:
    """Say what happened and end immediately: nothing of Ray's can be waited for."""
    tell(error)
    print(f"saddle: {error}", file=sys.stderr)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    kill_own_ray()
    os._exit(error.exit_code)


def kill_own_ray() -> None:
    """End what is left of a Ray that this process started: without its control process it would run for a minute."""
    import psutil

    for process in list(rays_processes()):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


@dataclass
class ClusterWatch:
    """Whether the cluster is there: our own by its processes, one that was joined by asking it."""

    answered_at: float = 0.0
    asked_at: float = 0.0

    def trouble(self) -> str:
        """What is wrong, in words; empty while nothing is."""
        node = own_node()
        if node is None:
            return ""
        if node.head:
            dead = [ESSENTIAL[kind] for kind, _ in node.dead_processes() if kind in ESSENTIAL]
            return f"Ray on this machine has lost {' and '.join(dead)}" if dead else ""
        return self._trouble_of(str(node.gcs_address))

    def _trouble_of(self, address: str) -> str:
        now = time.monotonic()
        self.answered_at = self.answered_at or now
        if now - self.asked_at < ASK_SECONDS:
            return ""
        self.asked_at = now
        with contextlib.suppress(ClusterError):
            probe(address, our_token() if has_token() else None)
            self.answered_at = time.monotonic()
            if own_node_is_dead():
                return f"this machine's node of the Ray cluster at {address} has died"
        silent = time.monotonic() - self.answered_at
        return f"the Ray cluster at {address} has not answered for {silent:.0f} s" if silent > PATIENCE else ""


def own_node_is_dead() -> bool:
    """Whether the cluster takes the node for dead by which this process has joined it: Ray would wait forever.

    So it is after a raylet's end, a network that was cut, or where the head came back with what it had stored.
    """
    import ray

    with contextlib.suppress(ray.exceptions.RayError, RuntimeError):  # it has just gone away
        own = ray.get_runtime_context().get_node_id()
        return any(node["NodeID"] == own and not node["Alive"] for node in ray.nodes())
    return False
