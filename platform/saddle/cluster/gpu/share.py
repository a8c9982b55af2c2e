"""Which share of a GPU a trial gets, from the memory that one takes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from saddle.cluster.capacity.resources import Nodes, Shape, how_many
from saddle.study.models import Resources

HEADROOM = 1.2
"""By what the measured memory is multiplied: the probe saw a few steps of a few configurations."""

STEPS = 10_000
"""The smallest part of a GPU that Ray counts is one of so many."""

CONTEXT = 512 * 2**20
"""Bytes of a process's context on a GPU in addition to torch's memory; assumed, as no GPU was available to measure."""


@dataclass(frozen=True)
class TrialMemory:
    """What a trial took of a GPU; all in bytes."""

    used: int
    """By torch's allocator, at most."""
    beside: int
    """In addition: the process's context, libraries, and other programs' memory."""
    gpu: int
    """What the GPU has."""
    name: str
    """Of the GPU."""
    configurations: int
    """How many were tried, of which the largest counts."""
    left_out: int = 0
    """How many that the study has were not."""

    @property
    def needed(self) -> int:
        """What one trial is given."""
        return math.ceil(HEADROOM * self.used) + self.beside

    def fitting(self, gpu: int | None = None) -> int:
        """How many trials a GPU of so much memory has room for; that of the probe without."""
        return (gpu or self.gpu) // self.needed


def share_of(trials: int) -> float:
    """The share of a GPU that so many trials can have at the same time, rounded down to what Ray counts."""
    return math.floor(STEPS / trials) / STEPS


def trials_on_gpu(resources: Resources, fitting: int, nodes: Nodes, total: int | None) -> int:
    """How many trials are put on a GPU that has room for `fitting`; one at least.

    To `spread` no more than needed to run at once what the study's limits, its CPUs and its `total` of trials let
    run: Ray fills a GPU before it takes the next one, so that trials on idle GPUs would be packed on the first. On a
    cluster that grows it isn't known how many GPUs there will be, and as many as fit are put on each.
    """
    most = max(1, min(fitting, resources.trials_per_gpu or 1))
    gpus = sum(int(node.get("GPU", 0.0)) for node in nodes)
    if resources.sharing == "pack" or resources.slots is not None or not gpus:
        return most
    on_cpus = sum(how_many(Shape(resources.cpus_per_worker, 0.0), node) for node in nodes if node.get("GPU"))
    at_once = min(limit for limit in (on_cpus, resources.most, total) if limit is not None)
    return max(1, min(most, math.ceil(at_once / gpus)))


def memory_limit(share: float, gpu: int) -> float:
    """The part of a GPU's memory that torch may manage in a process with this share, the context aside."""
    return max(share / 2, share - CONTEXT / gpu)
