"""Waits until a cluster that grows has room for a first trial."""

from __future__ import annotations

import os
import time

from saddle.cluster.capacity.node_requests import NodeRequest
from saddle.cluster.capacity.resources import machines_of, trial_shape
from saddle.cluster.capacity.slot_count import Bundles, SlotCount
from saddle.errors import ClusterError
from saddle.execute.scheduler import Scheduler
from saddle.store.infrastructure_errors import explain_fault

MINUTES = 15.0
MINUTES_VARIABLE = "SADDLE_NODE_MINUTES"
PAUSE = 0.5


def minutes_allowed() -> float:
    """How long the first node may take; raises `ClusterError` if the environment says no number of minutes."""
    text = os.environ.get(MINUTES_VARIABLE, str(MINUTES))
    try:
        minutes = float(text)
    except ValueError:
        minutes = -1.0
    if not 0 <= minutes < float("inf"):
        raise ClusterError(f"{MINUTES_VARIABLE} is {text!r}, not a number of minutes such as {MINUTES:g}")
    return minutes


def wait_for_first_node(scheduler: Scheduler, request: NodeRequest) -> bool:
    """Wait until one trial fits on each kind of machine; returns whether it had to wait.

    Raises `InfrastructureError` if none has come within the minutes allowed.
    """
    slots, progress = scheduler.slots, scheduler.recorder.progress
    if slots.fitting:
        return False
    minutes = minutes_allowed()
    deadline = time.monotonic() + 60 * minutes
    request.ask(first_trials(slots))
    progress.wait(
        f"waiting for a node with room for a trial ({trial_shape(slots.study.resources)}), which none of "
        f"{len(slots.nodes)} in the cluster has, for at most {minutes:g} minutes ({MINUTES_VARIABLE})"
    )
    while not slots.fitting and not scheduler.asked_to_stop():
        if time.monotonic() >= deadline:
            raise explain_fault(
                f"no node that can run a trial has joined the cluster within {minutes:g} minutes: {slots.shortfall()}",
                f"check whether its autoscaler may start such a node, or wait longer ({MINUTES_VARIABLE})",
            )
        time.sleep(PAUSE)
        slots.recount()
        request.ask(first_trials(slots))
        progress.beat()
    progress.wait("")
    return True


def first_trials(slots: SlotCount) -> Bundles:
    """What is asked for first: as many trials as are declared, else one, on each kind of machine that has to come."""
    trials = slots.study.resources.slots or 1
    return [bundle for machine in machines_of(slots.study) for bundle in slots.bundles(trials, machine)]
