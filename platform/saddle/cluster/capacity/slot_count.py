"""How many trials of a study run at the same time, counted again as nodes join and leave."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from saddle.cluster.capacity.resources import Nodes, count_slots, machines_of, nodes_of_kind, on_machine, trial_shape
from saddle.cluster.ray_internals import own_node
from saddle.errors import DoesNotFit
from saddle.study.models import Study

LOOK_EVERY = 2.0

Bundles = list[dict[str, float]]
"""Resources of processes, each of which one node must have room for."""


def alive_nodes() -> Nodes:
    """What each node of the cluster offers now."""
    import ray

    return [dict(node["Resources"]) for node in ray.nodes() if node["Alive"]]


def can_grow() -> bool:
    """Whether this process has joined a cluster, to which nodes may come; a Ray of our own stays one machine."""
    node = own_node()
    return node is not None and not node.head


@dataclass
class SlotCount:
    """Counts the trials that fit at the same time; `look` says what nodes there are now, None if they never change."""

    study: Study
    nodes: Nodes
    look: Callable[[], Nodes] | None = None

    def __post_init__(self) -> None:
        self._looked = time.monotonic()
        self._startup = getattr(self.study.sampler.options, "startup_trials", None)
        if self.study.search is None or self.study.sampler.name not in ("tpe", "gp"):
            self._startup = None
        self.fitting = self._count()

    @property
    def may_wait(self) -> bool:
        """Whether nodes are waited for where nothing fits: they were declared, or there is no node for trials yet."""
        empty = not any(node.get("CPU") or node.get("GPU") for node in self.nodes)
        return self.look is not None and (self.study.resources.slots is not None or empty)

    def recount(self) -> bool:
        """Look at the nodes, unless that was a moment ago; whether another number of trials fits now."""
        now = time.monotonic()
        if self.look is None or now - self._looked < LOOK_EVERY:
            return False
        self._looked = now
        before, self.nodes = self.fitting, self.look()
        self.fitting = self._count()
        return self.fitting != before

    def at_once(self, done: int, total: int | None) -> int:
        """How many trials run concurrently, of a study with `total` trials of which `done` have ended; one at least.

        Where nothing fits any more, one trial waits for room. A sampler's start-up trials cover what runs concurrently
        until as many have ended.
        """
        limits = [self.fitting, total]
        if self._startup is not None:
            limits.append(max(self._startup, done))
        return max(1, min(limit for limit in limits if limit is not None))

    def usable(self, done: int, total: int | None) -> int:
        """How many trials could run at the same time on as many nodes as they want: what an autoscaler is asked for."""
        most = self.study.resources.slots
        return 0 if most is None else min(most, most if total is None else max(0, total - done))

    def bundles(self, trials: int, machine: str | None = None) -> Bundles:
        """What so many trials take, a bundle for each of their workers, on nodes of this kind of machine if any."""
        resources = self.study.resources
        worker = trial_shape(resources.model_copy(update={"workers": 1}))
        return [{**worker.bundle(), **on_machine(machine)} for _ in range(trials * resources.workers)]

    def shortfall(self) -> str:
        """What the nodes lack for a single trial, in words; empty if one fits."""
        try:
            for machine in machines_of(self.study):
                count_slots(self.study.resources, nodes_of_kind(self.nodes, machine))
        except DoesNotFit as error:
            return str(error)
        return ""

    def _count(self) -> int:
        """As many as fit on the fewest of a kind of machine, 0 if none does."""
        try:
            return min(
                count_slots(self.study.resources, nodes_of_kind(self.nodes, machine))
                for machine in machines_of(self.study)
            )
        except DoesNotFit:
            return 0
