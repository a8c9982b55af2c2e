"""What a study waits for where a cluster has nothing free for its trials, and who may hold it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from saddle.cluster import ray_internals
from saddle.redaction import redact

PATIENCE = 10.0
"""Seconds that a slot may take to get its resources before it is called waiting; on a free cluster it takes less."""

LOOK_EVERY = 2.0

SHOWN_JOBS = 3
LONGEST = 60
"""Characters of another job's command that are shown."""


@dataclass
class ResourceWait:
    """The placement groups of this job that the cluster has not found room for, and since when."""

    since: dict[bytes, float] = field(default_factory=dict)
    _looked_at: float = 0.0

    def look(self) -> str | None:
        """What is waited for, in words, empty for nothing; None if that was looked up a moment ago."""
        now = time.monotonic()
        if now - self._looked_at < LOOK_EVERY:
            return None
        self._looked_at = now
        pending = dict(pending_groups())
        self.since = {group: self.since.get(group, now) for group in pending}
        late = [bundles for group, bundles in pending.items() if now - self.since[group] >= PATIENCE]
        return describe_wait(late) if late else ""


def pending_groups() -> Iterator[tuple[bytes, list[Mapping[str, float]]]]:
    """The placement groups of this job without room yet, each with the resources of its bundles."""
    import ray

    job = bytes.fromhex(ray.get_runtime_context().get_job_id())
    for group in ray_internals.placement_groups():
        if group.creator_job_id == job and ray_internals.is_pending(group):
            yield group.placement_group_id, [dict(bundle.unit_resources) for bundle in group.bundles]


def describe_wait(groups: list[list[Mapping[str, float]]]) -> str:
    """What the groups want, what the cluster has of it, and who else is there."""
    import ray

    names = {name for bundles in groups for bundle in bundles for name in bundle if name in ("CPU", "GPU")}
    total, free = ray.cluster_resources(), ray.available_resources()
    has = " and ".join(f"{free.get(name, 0.0):g} of {total.get(name, 0.0):g} {name}" for name in sorted(names))
    jobs = other_jobs()
    other_jobs_text = f"; other jobs there: {', '.join(jobs)}" if jobs else ""
    slots = "a trial waits" if len(groups) == 1 else f"{len(groups)} trials wait"
    return f"{slots} for {shape_of(groups[0])}: the cluster has {has or 'none'} free{other_jobs_text}"


def shape_of(bundles: list[Mapping[str, float]]) -> str:
    """The resources of a group in words, such as `2 x 1 CPU and 1 GPU`."""
    shape = " and ".join(f"{amount:g} {name}" for name, amount in bundles[0].items() if name in ("CPU", "GPU"))
    return (f"{len(bundles)} x " if len(bundles) > 1 else "") + (shape or "a place on its kind of machine")


def other_jobs() -> list[str]:
    """The other jobs that run on the cluster, each by its command, process and machine."""
    import ray

    alive = ray_internals.other_jobs(bytes.fromhex(ray.get_runtime_context().get_job_id()))
    listed = [
        f"{redact(job.entrypoint)[:LONGEST] or 'one without a name'} (process {job.driver_pid} on "
        f"{job.driver_address.ip_address or job.driver_ip_address})"
        for job in alive[:SHOWN_JOBS]
    ]
    return [*listed, f"{len(alive) - SHOWN_JOBS} more"] if len(alive) > SHOWN_JOBS else listed
