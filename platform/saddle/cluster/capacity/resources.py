"""What a trial takes of a cluster, and how many fit at the same time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from saddle.design.blocks import MACHINE
from saddle.errors import DoesNotFit
from saddle.study.models import Resources, Study
from saddle.trial.source import TrialSource

Nodes = Sequence[Mapping[str, float]]
"""What each node of a cluster offers, by Ray's names."""


@dataclass(frozen=True)
class Shape:
    """CPUs and GPUs of one trial."""

    cpus: float
    gpus: float

    def __str__(self) -> str:
        return f"{self.cpus:g} CPU" + (f" and {self.gpus:g} GPU" if self.gpus else "")

    def bundle(self) -> dict[str, float]:
        """The shape as Ray names resources."""
        return {"CPU": self.cpus, **({"GPU": self.gpus} if self.gpus else {})}


SHARE_OF_MACHINE = 0.001
"""The share of its machine kind's resource that a worker takes: too small to limit anything."""


def on_machine(machine: str | None) -> dict[str, float]:
    """What keeps a worker on nodes of this kind; nothing for None."""
    return {} if machine is None else {machine: SHARE_OF_MACHINE}


SLOT_BESIDE_GROUP = {"memory": 1.0}
"""What a slot itself takes where its ranks have a placement group of their own: a byte, as Ray refuses nothing at all.

No share of a CPU: two slots of one CPU for their ranks each fit on two CPUs.
"""


def needs_group(workers: int, gpus_per_worker: float) -> bool:
    """Whether a trial trains in a worker group of its own rather than in its slot's process."""
    return workers > 1 or gpus_per_worker > 0


def slot_bundle(resources: Resources, machine: str | None = None) -> dict[str, float]:
    """What Tune sets aside for a slot; the ranks of a group are Train's to place."""
    if needs_group(resources.workers, resources.gpus_per_worker):
        return {**SLOT_BESIDE_GROUP, **on_machine(machine)}
    return {**trial_shape(resources).bundle(), **on_machine(machine)}


def trial_shape(resources: Resources) -> Shape:
    """What one trial takes in all."""
    return Shape(resources.workers * resources.cpus_per_worker, resources.workers * resources.gpus_per_worker)


def count_slots(resources: Resources, nodes: Nodes) -> int:
    """How many trials run at the same time; raises `DoesNotFit` naming the shortfall if none fits.

    A worker has its resources on one node; the workers of a trial may be on several.
    """
    worker = Shape(resources.cpus_per_worker, resources.gpus_per_worker)
    workers = sum(how_many(worker, node) for node in nodes)
    if not workers:
        raise DoesNotFit(_shortfall(worker, nodes))
    if workers < resources.workers:
        raise DoesNotFit(
            f"a trial needs {resources.workers} workers of {worker}, and there is room for {workers}: "
            f"{resources.workers - workers} too few; lower resources.workers or what a worker takes"
        )
    return min(workers // resources.workers, resources.most or workers)


def nodes_of_kind(nodes: Nodes, machine: str | None) -> Nodes:
    """The nodes that are this kind of machine, all of them for None; raises `DoesNotFit` if there is none."""
    fitting = [node for node in nodes if machine is None or node.get(machine, 0.0) >= 1]
    if not fitting:
        raise DoesNotFit(
            f"no node offers {machine}, which block machine asks for; on those of that kind run ray start with"
            f" --resources='{{\"{machine}\": 1}}'"
        )
    return fitting


def how_many(worker: Shape, node: Mapping[str, float]) -> int:
    """How many workers of this shape a node has room for."""
    return min(int(node.get(name, 0.0) / wanted + 1e-9) for name, wanted in worker.bundle().items())


def _shortfall(worker: Shape, nodes: Nodes) -> str:
    """What no node has enough of for a single worker."""
    for name, wanted in worker.bundle().items():
        most = max((node.get(name, 0.0) for node in nodes), default=0.0)
        if wanted > most:
            has = (
                f"this machine has {most:g}"
                if len(nodes) == 1
                else f"none of {len(nodes)} nodes has more than {most:g}"
            )
            return (
                f"a worker wants {wanted:g} {name}, {has}: {wanted - most:g} too few; "
                f"lower resources.{name.lower()}s_per_worker"
            )
    return f"a worker needs {worker}, and no node has both"


def check_startup(study: Study, slots: int) -> None:
    """Raise `DoesNotFit` if a sampler's start-up trials don't cover the trials that run concurrently.

    With fewer, the sampler's first proposals rest on no result and count as informed ones.
    """
    startup = getattr(study.sampler.options, "startup_trials", None)
    if study.search is None or startup is None:
        return
    if study.sampler.name in ("tpe", "gp") and startup < slots:
        raise DoesNotFit(
            f"sampler.{study.sampler.name}.startup_trials is {startup}, but {slots} trials run concurrently, so that "
            f"its first informed proposals would rest on no result; set it to {slots} or more, or "
            f"resources.concurrency (on a cluster that grows: resources.slots) to {startup}"
        )


def machines_of(study: Study) -> list[str | None]:
    """The kinds of machines that are blocks of the study; None alone where trials may run on any."""
    return list(study.ablation.blocks.get(MACHINE, [None])) if study.ablation is not None else [None]


def slots_for(study: Study, nodes: Nodes, source: TrialSource | None = None) -> int:
    """How many trials of `study` run concurrently on these nodes, never more than there are; raises `DoesNotFit`.

    Where kinds of machines are blocks, as many as fit on the fewest of a kind, so that all kinds are equally busy.
    """
    slots = min(count_slots(study.resources, nodes_of_kind(nodes, machine)) for machine in machines_of(study))
    check_startup(study, slots)
    total = source.total if source is not None else study.budget.trials
    return min(slots, total) if total else slots
