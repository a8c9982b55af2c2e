"""How long a study takes on what it asks for, and how much it stores: measured on earlier trials here, else counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from statistics import mean, median
from typing import Any

from saddle.archive.studies import read_study, study_names
from saddle.cluster.capacity.resources import trial_shape
from saddle.errors import UserError
from saddle.store.base import Store
from saddle.store.ledger.ledger import Ledger
from saddle.store.open import trial_folder
from saddle.study.models import Resources
from saddle.study.trainable.loading import LoadedTrainable
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import RunId

SAMPLED = 10
"""Earlier trials of a study by which time and disk of another one are estimated."""

ENOUGH = 40
"""Earlier trials of all studies: a median over them is as good as one over thousands, which take long to read."""
OPERATIONS_PER_SECOND = 5.5e9
"""Multiply-adds a second of one CPU core in small networks, measured on the quickstart's."""

MOST_CPU_SECONDS = 7 * 24 * 3600.0
"""Trials that would take longer on their CPUs are of networks that this pace was not measured on."""

GPU_OPERATIONS_PER_SECOND = 9.2e12
"""Multiply-adds a second of one GPU, unless another figure is given (see `GPU_SOURCE`)."""

GPU_SOURCE = (
    "FastAT Benchmark (Pan and Yao, 2026): PGD-AT of a ResNet-18 on CIFAR-10, 100 epochs in 6,954 s, the mean of three"
    " seeds, taken to attack in 10 steps"
)

CHECKPOINTS_KEPT = 3
"""The best, the last and the one before it (see `store.checkpoints`)."""

BYTES_BESIDE_CHECKPOINTS = 40_000
"""A trial's arrays, images, curves and ledger entry."""


@dataclass(frozen=True)
class Pace:
    """Multiply-adds a second of a whole trial, and whose figure that is."""

    operations_per_second: float
    source: str


@dataclass(frozen=True)
class Estimate:
    """Seconds, bytes and multiply-adds of one trial, and what they are based on; None if nothing is known."""

    seconds: float | None
    bytes: int | None
    basis: str
    operations: float | None = None


def estimate_trial(
    store: Store,
    trainable: LoadedTrainable,
    configs: Sequence[Any],
    resources: Resources | None = None,
    gpu_throughput: float | None = None,
    earlier: EarlierTrials | None = None,
) -> Estimate:
    """What a trial takes on its `resources` if it runs to its end, on average over these configurations.

    Nothing where there are none. `gpu_throughput`: multiply-adds a second of one GPU, where somebody knows them.
    `earlier`: those of this storage, where they are asked for more than once.
    """
    if not configs:
        return Estimate(0.0, 0, "nothing is trained")
    resources = resources or Resources()
    estimates = [trainable.estimate(config) for config in configs] if trainable.estimate is not None else []
    operations = mean(amount for amount, _ in estimates) if estimates else None
    measured = (earlier or EarlierTrials(store)).of(trainable.name, on_gpu=resources.gpus_per_worker > 0)
    if measured:
        paces = [pace for _, entry in measured if (pace := seconds_per_unit(trainable, entry)) is not None]
        units = [amount for config in configs if (amount := units_of(trainable, config)) is not None]
        return Estimate(
            median(paces) * mean(units) if paces and units else None,
            round(median(stored_bytes(store, run, entry) for run, entry in measured)),
            f"measured on {len(measured)} earlier trial{'s' if len(measured) > 1 else ''} in this storage",
            operations,
        )
    if operations is None:
        return Estimate(None, None, f"known once a trial of {trainable.name} has run in this storage")
    stored = round(CHECKPOINTS_KEPT * mean(state for _, state in estimates)) + BYTES_BESIDE_CHECKPOINTS
    stated = pace_of(resources, gpu_throughput)
    seconds = operations / stated.operations_per_second
    if not resources.gpus_per_worker and seconds > MOST_CPU_SECONDS:
        of_gpu = pace_of(Resources(gpus_per_worker=1.0), gpu_throughput)
        why = (
            f"{operations:.2g} multiply-adds a trial; how fast a CPU is in so much work has not been measured: known "
            "once a trial has run in this storage; with resources: {gpus_per_worker: 1} a GPU would take "
            f"{operations / of_gpu.operations_per_second / 3600:,.2g} h a trial, at {of_gpu.source}"
        )
        return Estimate(None, stored, why, operations)
    work = f"{operations:.2g} multiply-adds a trial"
    basis = f"counted, {work}, {stated.source}; measured once a trial has run in this storage"
    return Estimate(seconds, stored, basis, operations)


def pace_of(resources: Resources, gpu_throughput: float | None = None) -> Pace:
    """How fast a trial is taken to be, in proportion to the GPUs, or without any the CPUs, that it has."""
    shape = trial_shape(resources)
    if not shape.gpus:
        cpus = "one CPU" if shape.cpus == 1 else f"{shape.cpus:g} CPUs"
        return Pace(OPERATIONS_PER_SECOND * shape.cpus, f"at a small network's pace on {cpus}")
    each = gpu_throughput or GPU_OPERATIONS_PER_SECOND
    source = "as given" if gpu_throughput else GPU_SOURCE
    return Pace(each * shape.gpus, f"{each:.2g} a second and GPU, {source}")


def units_of(trainable: LoadedTrainable, config: Any) -> float | None:
    """What a trial's time is taken to be proportional to: its operations where they can be counted, else its epochs."""
    if trainable.estimate is not None:
        return float(trainable.estimate(config)[0])
    epochs = getattr(config, "epochs", None)
    return float(epochs) if epochs else None


def seconds_per_unit(trainable: LoadedTrainable, entry: TrialRecord) -> float | None:
    """The pace of a finished trial, the part of it that ran; None if its configuration can't be read any more."""
    try:
        config = trainable.Config.model_validate(dict(entry.params))
    except ValueError:
        return None
    units = units_of(trainable, config)
    share = entry.epochs / getattr(config, "epochs", entry.epochs)
    return entry.seconds / (units * share) if units else None


@dataclass
class EarlierTrials:
    """The trials of a storage that estimates rest on, read once for all studies of a file."""

    store: Store
    _read: dict[tuple[str, bool], list[tuple[RunId, TrialRecord]]] = field(default_factory=dict)

    def of(self, trainable: str, *, on_gpu: bool) -> list[tuple[RunId, TrialRecord]]:
        """Those of a trainable, see `earlier_trials`."""
        if (trainable, on_gpu) not in self._read:
            earlier = earlier_trials(self.store, trainable, on_gpu=on_gpu)
            self._read[trainable, on_gpu] = list(islice(earlier, ENOUGH))
        return self._read[trainable, on_gpu]


def earlier_trials(store: Store, trainable_name: str, *, on_gpu: bool) -> Iterator[tuple[RunId, TrialRecord]]:
    """Trials of the same trainable in this storage, on GPUs or on CPUs alone, that ran for an epoch at least.

    Of each study a few, spread over its trials; the first of them are of studies spread over the storage.
    """
    for name in spread_out(study_names(store), ENOUGH // SAMPLED):
        try:
            stored = read_study(store, name)
        except UserError:  # damaged, which that study says itself
            continue
        if stored is None or stored.study.source.name != trainable_name:
            continue
        if (stored.study.resources.gpus_per_worker > 0) == on_gpu:
            entries = Ledger(store, stored.run).sample(SAMPLED)
            yield from ((stored.run, entry) for entry in entries if entry.epochs and entry.seconds > 0)


def spread_out(names: Sequence[str], at_once: int) -> list[str]:
    """All names, the first `at_once` of them at even distances, then those that follow these, and so on."""
    step = max(1, -(-len(names) // at_once))
    return [name for start in range(step) for name in names[start::step]]


def stored_bytes(store: Store, run: RunId, entry: TrialRecord) -> int:
    """What a trial keeps in its folder."""
    return store.size(trial_folder(run, entry.key))
