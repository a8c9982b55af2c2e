"""When processes die: whose fault it was, and what they leave behind in the cluster."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Any

from saddle.cluster import ray_internals
from saddle.cluster.failures.worker_exit import cause_of_death

VERDICT_SECONDS = 20.0
"""How long the cluster may take to find out why an actor doesn't answer."""

NODE_SECONDS = 3.0
"""How long a machine that is being shut down may continue after its workers: the cluster notices these first."""

LOG_SECONDS = 30.0
"""How long a machine may take to look into the log of a worker that died on it."""

EXIT_CODE = re.compile(r"exits with an exit code (-?\d+)")


@dataclass(frozen=True)
class Death:
    """Why something doesn't answer any more; `of_machine` where that is not a fault of what ran there."""

    of_machine: bool
    why: str


def explain_death(error: BaseException) -> Death:
    """Whose fault it is that an actor or task failed with `error`, and what it was: node, OOM killer, signal, code."""
    from ray import exceptions

    error = unwrap(error)
    lost_errors = (
        exceptions.NodeDiedError, exceptions.LocalRayletDiedError, exceptions.ActorPlacementGroupRemoved,
        exceptions.TaskPlacementGroupRemoved, exceptions.ObjectLostError, exceptions.ActorUnschedulableError,
    )  # fmt: skip
    if isinstance(error, exceptions.OutOfMemoryError):
        return Death(False, _out_of_memory(str(error)))
    if isinstance(error, lost_errors):
        return Death(True, f"its node was lost: {first_line(error)}")
    if isinstance(error, exceptions.RayActorError):
        return _death_of_actor(error)
    return Death(False, f"{type(error).__name__}: {first_line(error)}")


def unwrap(error: BaseException) -> BaseException:
    """What a task raised, without Ray's wrapping or ours."""
    from ray.exceptions import RayTaskError

    from saddle.cluster.failures.actor_failures import ActorFailure

    cause = error.cause if isinstance(error, RayTaskError | ActorFailure) else None
    return cause if isinstance(cause, BaseException) else error


def is_process_end(error: BaseException) -> bool:
    """Whether `error` says that a process is gone, and is not what one raised."""
    from ray.exceptions import OutOfMemoryError, RayActorError

    return isinstance(unwrap(error), RayActorError | OutOfMemoryError)


def first_line(error: BaseException) -> str:
    """The first line of an error that says something."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


def last_line(error: BaseException) -> str:
    """The last line of an error that says something: of a traceback, what was raised."""
    return next((line.strip() for line in reversed(str(error).splitlines()) if line.strip()), type(error).__name__)


def _death_of_actor(error: Any) -> Death:
    if error.preempted:
        return Death(True, "its node was preempted")
    if error.actor_init_failed:
        return Death(False, last_line(error))
    deadline = time.monotonic() + VERDICT_SECONDS
    while time.monotonic() < deadline:
        actor = next((actor for actor in ray_internals.actors() if actor.actor_id.hex() == error.actor_id), None)
        if actor is None:
            return Death(False, first_line(error))
        if ray_internals.is_dead(actor):
            break
        if actor.node_id and not _is_alive(actor.node_id):
            return Death(True, "its node died")
        time.sleep(0.2)  # its caller notices a broken connection before the cluster knows that the machine is gone
    else:
        return Death(True, f"its node did not say within {VERDICT_SECONDS:g} s what became of it")
    cause = actor.death_cause
    if cause.HasField("oom_context"):
        return Death(False, _out_of_memory(cause.oom_context.error_message))
    if not cause.HasField("actor_died_error_context"):
        return Death(False, last_line(error))
    context = cause.actor_died_error_context
    if ray_internals.died_with_its_node(context) or _goes_away(actor):
        return Death(True, "its node died")
    return Death(False, _how(actor, context.error_message))


def _goes_away(actor: Any) -> bool:
    """Whether the machine of a dead actor, unless it is this one, is shutting down, too."""
    import ray

    if actor.node_id.hex() == ray.get_runtime_context().get_node_id():
        return False
    deadline = time.monotonic() + NODE_SECONDS
    while time.monotonic() < deadline:
        if not _is_alive(actor.node_id):
            return True
        time.sleep(0.2)
    return actor.node_id in ray_internals.draining_nodes()


def _is_alive(node: bytes) -> bool:
    import ray

    return any(other["NodeID"] == node.hex() and other["Alive"] for other in ray.nodes())


def _how(actor: Any, message: str) -> str:
    """How a worker process ended, as the cluster knows it, or else the process's own log."""
    code = EXIT_CODE.search(message)
    if code is not None:
        terminated = "signal 15 (SIGTERM), " if "SIGTERM" in message else ""
        return f"{terminated}exit code {code[1]}"
    if "connection error" not in message:
        return " ".join(message.split())
    return _exit_cause(actor.node_id.hex(), actor.pid)


def _exit_cause(node: str, process: int) -> str:
    """What the machine of a dead process finds in its log."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    if node == ray.get_runtime_context().get_node_id():
        return _look_there(process)
    ask = ray.remote(num_cpus=0, max_retries=0)(_look_there)
    strategy = NodeAffinitySchedulingStrategy(node, soft=False)
    try:
        return str(ray.get(ask.options(scheduling_strategy=strategy).remote(process), timeout=LOG_SECONDS))
    except (ray.exceptions.RayError, TimeoutError) as error:
        return f"of an unknown cause ({type(error).__name__})"


def _look_there(process: int) -> str:
    return cause_of_death(ray_internals.logs_folder(), process)


def _out_of_memory(message: str) -> str:
    """What Ray's memory monitor says, in the words that matter."""
    used = re.search(r"was ([\d.]+ ?[GMK]i?B ?/ ?[\d.]+ ?[GMK]i?B)", message)
    return "Ray's OOM killer: its node ran out of memory" + (f" ({used[1]} in use)" if used else "")


def free_orphaned_groups() -> int:
    """Remove the placement groups whose creator ended without doing so; how many there were.

    Ray frees a group that an actor made only when the whole job ends, and a killed slot or Train controller frees
    nothing: its resources would be gone for the rest of the study. A job's end frees its groups, unless the head of the
    cluster was restarted in between: it comes back with them, and its own end of the job passes them over.
    """
    from ray import PlacementGroupID
    from ray.util.placement_group import PlacementGroup, remove_placement_group

    is_dead = {actor.actor_id: ray_internals.is_dead(actor) for actor in ray_internals.actors()}
    jobs = ray_internals.ended_jobs()

    def is_orphan(group: Any) -> bool:
        by_actor = is_dead.get(group.creator_actor_id)  # None: by a driver
        return by_actor is True or (by_actor is None and group.creator_job_id in jobs and not group.is_detached)

    orphans = [group.placement_group_id for group in ray_internals.placement_groups() if is_orphan(group)]
    for identity in orphans:
        remove_placement_group(PlacementGroup(PlacementGroupID(identity)))
    return len(orphans)
