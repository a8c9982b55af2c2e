"""The interface between a training method and the code that runs it: what a trainable is, reports, and raises.

Importing this module never imports torch, so configurations can be validated where nothing is trained.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeVar, runtime_checkable

from trainables.configuration import Config as Config
from trainables.configuration import Default as Default
from trainables.configuration import Resolved as Resolved
from trainables.configuration import Retired as Retired
from trainables.configuration import field_source as field_source
from trainables.configuration import find_defaults as find_defaults
from trainables.configuration import hyperparameter as hyperparameter
from trainables.configuration import resolve as resolve
from trainables.lru_cache import LRUCache
from trainables.metric import METRIC_NAME as METRIC_NAME
from trainables.metric import Direction as Direction
from trainables.metric import Metric as Metric
from trainables.metric import Role as Role
from trainables.metric import complete_metric as complete_metric
from trainables.provenance import Source as Source

LABELS = "labels"
"""The array (N,) of the classes of test samples."""
SHOWN = "shown"
"""The array (M,) of the places of the test samples that galleries show, from the left to the right."""
GROUPS = "groups"
"""The array (N,) of the groups that they belong to, if several show the same thing."""
PREDICTIONS = "predictions."
"""Prefix of arrays (N,) of predicted classes: on `CLEAN` samples, under an attack, or in the `WORST_CASE`."""
MAPPED = "mapped"
"""The array (M,) of the places of the test samples that have maps."""
MAP = "map."
"""Prefix of arrays (M, H, W) or (M, H, W, 3), uint8: those samples as a method sees them, such as what it
marks as salient in each. When studies are compared, maps of the same samples form one picture."""
CURVE = "curve."
"""Prefix of arrays (2, K), the x and the y of a curve, called `curve.Y over X.NAME`. When studies are compared,
the curves of one Y and X are drawn into one figure."""
CLEAN = "clean"
WORST_CASE = "worst_case"

T = TypeVar("T")


@dataclass(frozen=True)
class Component:
    """A part of a method that an ablation can remove, with the hyperparameters that this takes.

    `off` are the settings of a trial without it, `on` those of one with it, unless a study sets them;
    empty if the defaults include it.
    """

    description: str
    off: Mapping[str, Any]
    on: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """What a trainable reports after an epoch or an evaluation.

    `metrics`: flat floats named with their split, such as `validation/robust_accuracy.worst_case`.
    `state`: tensors and plain values only (it is loaded with `weights_only=True`), complete enough that a resumed
    trial equals an undisturbed one: weights, optimiser, epoch, every random state and the data order.
    `arrays`: per-sample predictions and curves (numpy). `images`: galleries, `(H, W)` or `(H, W, 3)`, uint8; those of
    an epoch are kept and tracked under its number, and left out of a study's report. `fingerprints`, of an evaluation:
    what its measurements depend on that isn't a hyperparameter, such as the network that measures distances;
    plain values, possibly nested. The study's report prints them, and warns if trials don't agree on one.
    `is_candidate`: False after an epoch whose state can't be the trial's checkpoint, such as that of a teacher; at
    least one epoch must be a candidate.

    Raises `ValueError` for a metric without a split or that is not a number.
    """

    metrics: Mapping[str, float]
    state: Mapping[str, Any] | None = None
    arrays: Mapping[str, Any] = field(default_factory=dict)
    images: Mapping[str, Any] = field(default_factory=dict)
    fingerprints: Mapping[str, Any] = field(default_factory=dict)
    is_candidate: bool = True

    def __post_init__(self) -> None:
        for name, value in self.metrics.items():
            if not METRIC_NAME.fullmatch(name):
                raise ValueError(f"metric {name!r} must be named split/metric, such as validation/clean_accuracy")
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise ValueError(f"metric {name!r} must be a float, not {type(value).__name__}")


CheckVerdict = Literal["pass", "warn", "fail", "not run"]


@dataclass(frozen=True)
class CheckItem:
    """The result of a checklist item: its verdict, the numbers that it is based on, and a sentence that states it.

    `not run` is the verdict of an item that lacks what it needs; `says` states what that is.
    """

    item: str
    verdict: CheckVerdict
    numbers: Mapping[str, float]
    says: str


class MethodFailure(Exception):
    """The method, not the code, failed: a result of the study, never retried."""

    def __init__(self, why: str, images: Mapping[str, Any] | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.images = dict(images or {})


class Collapsed(MethodFailure):
    """Training continues but no longer learns what it should (mode collapse, constant output)."""


class Diverged(MethodFailure):
    """A loss or a weight is no longer finite."""


Part = Literal["state", "resume", "load", "evaluate"]
"""Optional parts of a trainable: states, continuing from one, `load`, and metrics from `evaluate`."""


class NotProvided(Exception):
    """A trainable lacks a part of the contract that is needed, as one made from a function may; states which."""


def require_finite(name: str, value: float) -> float:
    """Return `value`, or raise `Diverged` when it is NaN or infinite."""
    if not math.isfinite(value):
        raise Diverged(f"{name} is {value}")
    return value


class Run(Protocol):
    """The runner's interface for a trainable; every rank of a distributed run gets one."""

    @property
    def device(self) -> Any:
        """The `torch.device` to train on."""

    @property
    def seed(self) -> int:
        """The replicate's seed; the same seed is used in every arm."""

    @property
    def rank(self) -> int:
        """The number of this worker among the trial's, from 0."""

    @property
    def world_size(self) -> int:
        """How many workers train the trial together."""

    def data(self, name: Any) -> Any:
        """The dataset called `name` (or described by it), a `trainables.datasets.Dataset`."""

    def prepare(self, model: T) -> T:
        """The model on its device, wrapped for distributed training if there are several ranks.

        Its BatchNorm layers then take their statistics in training over the batches of all ranks together.
        """

    def unwrap(self, model: T) -> T:
        """The bare model inside `prepare`: attacks and extra passes run on it."""

    def prepare_loader(self, loader: T) -> T:
        """The loader with each of its batches divided: rank r gets samples r, r + world_size, …

        So a batch size is that of all ranks together, and a trial is the same on any number of workers. A batch of
        fewer samples than ranks is left out, and a last one that leaves a rank fewer than its sampler's
        `least_per_rank`, if it has that.
        """

    def mean(self, value: float) -> float:
        """The mean of `value` over all ranks."""

    def total(self, values: T) -> T:
        """The sum over all ranks of a tensor that each has in one shape, element by element."""

    def resume(self) -> Mapping[str, Any] | None:
        """The `state` to continue from, or None to start."""

    def cached(self, key: Hashable, make: Callable[[], T]) -> T:
        """The result of `make`, or of a former call with an equal key, in this or an earlier trial on the same worker.

        For results that are equal in all trials of a study and take long, such as a network that measures them; the key
        contains everything that they depend on. The least recently used ones are dropped if there are many.
        """

    def shared(self, key: Hashable, make: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
        """The state from `make`, or from a former call with an equal key in any trial of the same study, on any worker.

        A state is as in a `Report`, and comes back on the CPU. The key, whose `repr` has everything that it depends on,
        is completed by the code: other code makes its own. One of the ranks of a trial makes it, while the others wait
        outside of any collective; either every rank must ask for it, or none.
        """


@dataclass(frozen=True)
class TrainedTrial:
    """What a checklist may use of the trial whose stored state it checks, in addition to the state.

    `metrics`: those of the chosen state, `test_last` the test metrics of the last epoch, `curve` the metrics of every
    epoch. `selected_by`: the metric that chose the state, which is of epoch `selected_epoch`, counted from 1. `seeds`:
    completed replicates of its arm. `arrays`: the per-sample results of its evaluation. `other`:
    configuration and state of another network of the study's baseline, trained from another seed.
    """

    metrics: Mapping[str, float] = field(default_factory=dict)
    test_last: Mapping[str, float] = field(default_factory=dict)
    curve: Sequence[Mapping[str, float]] = ()
    selected_by: str = ""
    selected_epoch: int | None = None
    seeds: int = 1
    arrays: Mapping[str, Any] = field(default_factory=dict)
    other: tuple[Any, Mapping[str, Any]] | None = None


@runtime_checkable
class Trainable(Protocol):
    """A training method: a module or an object with these names, found by entry point `saddle.trainables`.

    Optional names:
    `RECIPES` and `SCALES`, tuples of names a study file may use;
    `defaults(given, recipe, scale) -> Mapping[str, Default]`, their values for the fields that the study leaves open;
    `estimate(config) -> tuple[float, int]`, the multiply-adds of a whole trial and the bytes of one stored state, for
    `saddle plan`; imports no torch;
    `check(config, run) -> None`, called before anything starts, raises `DataError` for data that it can't train on;
    `data_identity(configs, data_root) -> Sequence[str]`, which changes with the data of these configurations, found
    without reading them: data that passed `check` aren't checked again while it stays the same. Imports no torch;
    `COMPONENTS: Mapping[str, Component]`, the parts of the method that an ablation may name as factors;
    `reevaluate(config, state, run, earlier) -> Report`, `evaluate` that continues from an earlier report of the same
    state, using its `arrays` and `fingerprints`: what it measured already isn't measured again, and the
    result is as if both had been measured together. A report that it can't continue from is not an error; one of
    another state is, a `ValueError`;
    `attack_test(config, state, run) -> Report`, the part of `evaluate` that the workers of a trial share: each of them
    calls it, and only rank 0 continues from its report, by `reevaluate`. Without it, rank 0 measures everything;
    `check_robustness(config, state, run, trained: TrainedTrial) -> Sequence[CheckItem]`, whether the robustness of a
    stored state is real; a trial that fails an item can't have the badge "best";
    `DATA_MEASURES: Mapping[str, str]` and `data_measures(config, run) -> Mapping[str, float]`, both or none: measures
    of a trial's training images before anything is trained, by name with a line on their meaning, and their
    values, equal for equal data; what isn't defined on the data is left out. A relation can use them as predictors;
    `EVALUATION_FIELDS: Collection[str]`, fields for how a checkpoint is measured, which no training step reads
    (validation may): stored checkpoints can be measured again with other values of these. Where validation measures
    with another number than a field's on purpose, epochs report it as the metric `validation/FIELD`, so that nothing
    compares the two as if they were the same;
    `selection_doubt(config, metric) -> str`, why choosing checkpoints of a configuration by that metric may choose one
    before it has learnt, in words, empty if there is no reason; imports no torch;
    `OPEN_METRICS: bool`, True where it may report metrics that `METRICS` doesn't name; `LACKS: Collection[Part]`, what
    of the contract it doesn't have, as one made from a function may.
    """

    Config: type[Config]
    METRICS: Mapping[str, Metric | Direction]
    """Every metric that it can report, with its meaning; with a bare direction the name decides (`complete_metric`)."""
    SELECTION: str
    """The validation metric by which the best checkpoint is chosen."""

    def train(self, config: Any, run: Run) -> Iterator[Report]:
        """Train and yield one report per epoch; the metrics are of the train and validation splits only."""

    def load(self, config: Any, state: Mapping[str, Any]) -> Any:
        """The trained model of a stored state, on the CPU, in eval mode."""

    def evaluate(self, config: Any, state: Mapping[str, Any], run: Run) -> Report:
        """Measure a finished or stored checkpoint on the test split."""


@dataclass
class InProcessRun:
    """A `Run` of one process without Ray: for tests, notebooks and exported models."""

    seed: int = 0
    data_root: str | None = None
    device_name: str = "cpu"
    state: Mapping[str, Any] | None = None
    rank: int = 0
    world_size: int = 1
    kept: LRUCache = field(default_factory=LRUCache)

    @property
    def device(self) -> Any:
        import torch

        return torch.device(self.device_name)

    def data(self, name: Any) -> Any:
        from trainables.datasets import load

        return load(name, self.data_root)

    def prepare(self, model: T) -> T:
        moved: T = model.to(self.device)  # type: ignore[attr-defined]
        return moved

    def unwrap(self, model: T) -> T:
        return model

    def prepare_loader(self, loader: T) -> T:
        return loader

    def mean(self, value: float) -> float:
        return value

    def total(self, values: T) -> T:
        return values

    def resume(self) -> Mapping[str, Any] | None:
        return self.state

    def cached(self, key: Hashable, make: Callable[[], T]) -> T:
        value: T = self.kept.get(key, make)
        return value

    def shared(self, key: Hashable, make: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
        state: Mapping[str, Any] = self.kept.get(("shared", key), make)
        return state
