"""When processes die: whose fault it was, and what they leave behind in the cluster."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

RESTARTS = 3
"""How often a trial whose worker died is taken up again from its checkpoint; a machine that goes away doesn't count."""

VERDICT_SECONDS = 20.0
"""How long the cluster may take to find out why an actor doesn't answer."""


def node_died(error: BaseException) -> bool:
    """Whether an actor died because its machine went away (preempted, shut down), which is no fault of a trial."""
    from ray.exceptions import RayActorError, RayTaskError

    if isinstance(error, RayTaskError):
        error = error.as_instanceof_cause()
    if not isinstance(error, RayActorError):
        return False
    from ray.core.generated.common_pb2 import ActorDiedErrorContext
    from ray.core.generated.gcs_pb2 import ActorTableData

    if error.preempted:
        return True
    deadline = time.monotonic() + VERDICT_SECONDS
    while time.monotonic() < deadline:
        actor = next((actor for actor in _actors() if actor.actor_id.hex() == error.actor_id), None)
        if actor is None or actor.state == ActorTableData.DEAD:
            cause = None if actor is None else actor.death_cause.actor_died_error_context.reason
            return bool(cause == ActorDiedErrorContext.NODE_DIED)
        time.sleep(0.2)  # its caller hears of a broken connection before the cluster knows that the machine is gone
    return False


def free_orphaned_groups() -> int:
    """Remove the placement groups whose creator died without doing so; how many there were.

    Ray frees a group that an actor made only when the whole job ends, and a killed slot or Train controller frees
    nothing: its resources would be gone for the rest of the study.
    """
    from ray import PlacementGroupID
    from ray.core.generated.gcs_pb2 import ActorTableData, PlacementGroupTableData
    from ray.util.placement_group import PlacementGroup, remove_placement_group

    dead = {actor.actor_id for actor in _actors() if actor.state == ActorTableData.DEAD}
    orphans = [
        raw.placement_group_id
        for raw in map(PlacementGroupTableData.FromString, _accessor().get_placement_group_table())
        if raw.state != PlacementGroupTableData.REMOVED and raw.creator_actor_id in dead
    ]
    for identity in orphans:
        remove_placement_group(PlacementGroup(PlacementGroupID(identity)))
    return len(orphans)


def _accessor() -> Any:
    """The cluster's own tables; the public State API would need the dashboard, which a local Ray doesn't start."""
    from ray._private.state import state

    return state._connect_and_get_accessor()


def _actors() -> Iterator[Any]:
    from ray.core.generated.gcs_pb2 import ActorTableData

    return map(ActorTableData.FromString, _accessor().get_actor_table(None, None))
