"""What a study file may say, as pydantic models; `loader` turns YAML into them and finds every mistake at once."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, PrivateAttr, field_validator, model_validator

from saddle.study.ablation import Ablation as Ablation
from saddle.study.channel import Channel
from saddle.study.field_types import STUDY_NAME, Count, Flag, OneOf, Positive, Section, Seed, Several, Whole
from saddle.study.nightly import Nightly
from saddle.study.published import Published
from saddle.study.relations.relation import Relation
from saddle.study.space import Parameter
from saddle.study.yaml_scalars import FLOAT, FRACTION, Fraction
from saddle.trainable_source import TrainableSource

ONLY_IN_A_SEARCH = ("asks", "objective", "selected_by", "also", "constraints", "sampler", "early_stopping")
"""Sections that mean nothing to an ablation or a relation."""


class Objective(Section):
    """What a search optimises: `{maximize: METRIC}` or `{minimize: METRIC}`."""

    maximize: str | None = None
    """A validation metric that should be large."""
    minimize: str | None = None
    """A validation metric that should be small."""
    reference: Annotated[float, Field(strict=True)] | None = None
    """The worst value that counts in the hypervolume of several objectives."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.maximize is None) == (self.minimize is None):
            raise ValueError("give exactly one of maximize and minimize")
        return self

    @property
    def metric(self) -> str:
        return self.maximize or self.minimize or ""

    @property
    def direction(self) -> Literal["maximize", "minimize"]:
        return "maximize" if self.maximize is not None else "minimize"


class Constraint(Section):
    """A bound that feasible trials meet, written `METRIC >= NUMBER` or `METRIC <= NUMBER`."""

    PATTERN: ClassVar = re.compile(r"\s*(\S+)\s*(>=|<=)\s*([^<>=]+?)\s*")

    metric: str
    relation: Literal[">=", "<="]
    bound: float

    @model_validator(mode="before")
    @classmethod
    def _parse(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        match = cls.PATTERN.fullmatch(value)
        bound = match[3] if match is not None else ""
        if match is None or not (FLOAT.fullmatch(bound) or FRACTION.fullmatch(bound)):
            example = "validation/score >= 0.97"
            raise ValueError(f"{value!r} is not a constraint; write METRIC >= NUMBER, such as {example}")
        number = Fraction(bound).number() if FRACTION.fullmatch(bound) else bound.replace("_", "")
        return {"metric": match[1], "relation": match[2], "bound": float(number)}

    def violation(self, value: float) -> float:
        """How far `value` is on the wrong side; zero or less where the constraint holds."""
        return self.bound - value if self.relation == ">=" else value - self.bound

    def __str__(self) -> str:
        return f"{self.metric} {self.relation} {self.bound!r}"


class Seeded(Section):
    """Base of the samplers' options."""

    seed: Seed = 0
    """Seed of the sampler; with one trial at a time, the same seed proposes the same trials."""


class Tpe(Seeded):
    """Tree-structured Parzen estimator."""

    startup_trials: Count = 10
    """Trials drawn at random before the model is used; at least as many as run concurrently."""
    multivariate: Flag = False
    """Whether parameters are modelled together."""


class Gp(Seeded):
    """Gaussian process."""

    startup_trials: Count = 10
    """Trials drawn at random before the model is used; at least as many as run concurrently."""


class CmaEs(Seeded):
    """Covariance matrix adaptation; for two or more float and int parameters without conditions."""

    startup_trials: Count = 1
    """Trials drawn at random before the adaptation starts."""


class Nsga2(Seeded):
    """A genetic algorithm for one or several objectives."""

    population_size: Several = 50
    """Trials in a generation."""


class Random(Seeded):
    """Independent draws."""


class Qmc(Seeded):
    """Quasi-random draws, which fill the space more evenly than random ones."""

    type: Literal["sobol", "halton"] = "sobol"
    """The sequence."""


class Grid(Seeded):
    """Every combination of the parameters' values."""

    points: Several = 5
    """Number of values of every float and of every wide int parameter."""


class Sampler(OneOf):
    """Which of Optuna's samplers proposes the trials."""

    tpe: Tpe | None = None
    gp: Gp | None = None
    cmaes: CmaEs | None = None
    nsga2: Nsga2 | None = None
    random: Random | None = None
    qmc: Qmc | None = None
    grid: Grid | None = None


class Asha(Section):
    """Successive halving: at each rung only the best trials continue."""

    grace_epochs: Count = 1
    """Epochs that every trial may train."""
    reduction_factor: Several = 3
    """Only one in `reduction_factor` trials continues from a rung to the next."""


class Hyperband(Section):
    """Successive halving at several levels of grace."""

    grace_epochs: Count = 1
    """Epochs that every trial may train."""
    reduction_factor: Several = 3
    """Only one in `reduction_factor` trials continues from a rung to the next."""


class Median(Section):
    """Stops what is worse than the median of earlier trials at the same epoch."""

    startup_trials: Count = 5
    """Finished trials before any is stopped."""
    grace_epochs: Whole = 1
    """Epochs that every trial may train."""


class Never(Section):
    """Every trial trains to its end."""


class EarlyStopping(OneOf):
    """Which of Optuna's pruners stops a trial early."""

    asha: Asha | None = None
    hyperband: Hyperband | None = None
    median: Median | None = None
    none: Never | None = None


class Budget(Section):
    """When a study ends: at the first limit that is reached."""

    trials: Count | None = None
    """Number of trials of a search."""
    hours: Positive | None = None
    """Wall-clock hours of the study."""
    gpu_hours: Positive | None = None
    """Hours of all GPUs together."""
    minutes_per_trial: Positive | None = None
    """A trial that trains longer ends with the outcome timed_out."""
    failures_alike: Whole | None = None
    """Stop a study if its first N trials all fail with the same exception at the same line; 0: never. Default 3."""


def share_or_whole(gpus: float) -> float:
    """Refuse what no GPU can be shared into."""
    if gpus > 1 and not float(gpus).is_integer():
        raise ValueError("above one GPU only whole ones are possible")
    return gpus


class Resources(Section):
    """What one trial runs on."""

    workers: Count = 1
    """Processes that train one trial together."""
    gpus_per_worker: Annotated[float, Field(strict=True, ge=0), AfterValidator(share_or_whole)] = 0.0
    """GPUs, or a share of one."""
    trials_per_gpu: Annotated[int, Field(strict=True, ge=1, le=48)] | None = None
    """Maximum number of trials that share a GPU. As many run as fit into its memory, according to a measurement of a
    trial's first steps before the study starts. `gpus_per_worker` must be 1 and is replaced by the share.
    """
    sharing: Literal["spread", "pack"] | None = None
    """`spread` trials over all GPUs (the default), or `pack` as many on each as fit, so that others stay free."""
    cpus_per_worker: Positive = 1.0
    """CPU cores."""
    concurrency: Count | None = None
    """Maximum number of concurrent trials; by default as many as fit."""
    slots: Count | None = None
    """Maximum number of concurrent trials on a cluster that grows and shrinks: its autoscaler is asked for that many
    nodes, the study waits for the first, and nodes that join later are used.
    """

    @property
    def most(self) -> int | None:
        """How many trials may run concurrently at most."""
        return self.concurrency if self.slots is None else self.slots

    @model_validator(mode="after")
    def _one_limit(self) -> Resources:
        if self.slots is not None and self.concurrency is not None:
            raise ValueError("slots and concurrency both limit how many trials run at a time; use one")
        return self

    @model_validator(mode="after")
    def _one_worker_shares(self) -> Resources:
        if self.trials_per_gpu is not None and (self.workers > 1 or not 0 < self.gpus_per_worker <= 1):
            raise ValueError("trials_per_gpu is for trials of one worker that have a GPU: write gpus_per_worker: 1")
        if self.sharing is not None and self.trials_per_gpu is None:
            raise ValueError("sharing says how trials are put on GPUs that trials_per_gpu lets them share")
        return self


class KeptCheckpoints(Section):
    """Which checkpoints of finished trials stay; without any line here, the selected and the last one of every trial.

    What the report cites always stays: the best trial or the Pareto front, and the trials whose images it shows.
    """

    best: Whole | None = None
    """Number of trials whose checkpoints are kept, the best by the study's selection metric; by default all."""
    last: Flag = True
    """Whether a kept trial has its last checkpoint in addition to the selected one."""
    gigabytes: Positive | None = None
    """Limit of their total size; beyond it the checkpoints of the worst trials are removed first."""


class Program(Section):
    """A program in any language: its command, and the metrics in the lines of JSON that it prints."""

    command: Annotated[str, Field(min_length=1)]
    """The command, run without a shell in the folder of the study file. `{NAME}` is a setting, `{seed}` the trial's,
    `{config}` all settings as JSON, `{device}` where to train, `{output}` the trial's folder."""
    metrics: Annotated[dict[str, Literal["maximize", "minimize"]], Field(min_length=1)]
    """The metrics that it reports, such as `validation/accuracy`, each with the better direction."""
    report: str = ""
    """A file in `{output}` with the lines; by default the program prints them."""

    def __str__(self) -> str:
        return self.command


def with_asks(study: dict[str, Any]) -> dict[str, Any]:
    """Move a question from `search` to the study itself."""
    search = study.get("search")
    if not isinstance(search, dict) or not isinstance(search.get("asks"), str) or study.get("asks") is not None:
        return study
    return {**study, "search": {name: item for name, item in search.items() if name != "asks"}, "asks": search["asks"]}


class Study(Section):
    """One question and how it is answered: a `search`, an `ablation`, or a `relation`."""

    study: Annotated[str, Field(pattern=STUDY_NAME)]
    """Its name: letters, digits, `.`, `_` and `-`."""
    question: str = ""
    """What the study answers; the report opens with it."""
    trainable: str | Program
    """The training method: the name of an installed one, a function or module of your own, `./FILE.py:FUNCTION`,
    next to the study file, or a program. Later documents of a file inherit it from the first."""
    recipe: str | None = None
    """One of the trainable's recipes: optimiser, schedule, batch. Inherited."""
    scale: str | None = None
    """One of the trainable's scales: sizes of data, network, training. Inherited."""
    fixed: dict[str, Any] = Field(default_factory=dict)
    """Hyperparameters that all trials share. Inherited key by key."""
    search: Annotated[dict[str, Parameter], Field(min_length=1)] | None = None
    """The hyperparameters to search, with their ranges. Later searches of a file inherit them name by name, and the
    keys from `objective` to `budget` that they leave out.
    """
    asks: str | None = None
    """The searched hyperparameter that the question is about, which may also be given in `search`. Its own effect is
    estimated from the trials that were drawn at random, for one seed; `saddle plan` proposes the ablation that
    estimates it over seeds.
    """
    objective: Annotated[list[Objective], Field(min_length=1, max_length=3)] | None = None
    """What the search optimises; up to three objectives, which then exclude early stopping."""
    selected_by: str | None = None
    """The validation metric that chooses the checkpoints of a search with several objectives, instead of the
    trainable's own. With a single objective it is the objective. An ablation has its own `selected_by`.
    """
    also: Annotated[list[str], Field(max_length=20)] = Field(default_factory=list)
    """Further metrics that a search's table shows; `*` matches any text. May change from run to run."""
    constraints: list[Constraint] = Field(default_factory=list)
    """Bounds that feasible trials meet."""
    sampler: Sampler = Sampler(tpe=Tpe())
    """The algorithm that proposes the trials."""
    early_stopping: EarlyStopping = EarlyStopping(none=Never())
    """The algorithm that stops unpromising trials early."""
    budget: Budget = Budget()
    """When the study ends."""
    resources: Resources = Resources()
    """The resources of one trial. Inherited key by key."""
    checkpoints: KeptCheckpoints = KeptCheckpoints()
    """Which checkpoints stay once the study has ended; may change from run to run."""
    evaluate: dict[str, Any] = Field(default_factory=dict)
    """Hyperparameters of the evaluation (attacks, steps). Inherited key by key."""
    ablation: Ablation | None = None
    """The arms to compare; a study has either this or a search. Other ablations of a file inherit it part by part."""
    relation: Relation | None = None
    """The gain of one arm over another, unit by unit, against a predictor. Other relations of a file inherit it part by
    part."""
    published: Published | None = None
    """A CSV file of published values to compare with an ablation's or relation's; may change from run to run."""
    notify: Annotated[list[Channel], Field(max_length=8)] | None = None
    """Who is notified when the study has ended, or stopped by itself; may change from run to run."""
    nightly: Nightly | None = None
    """How `saddle nightly` repeats the ablation every night; may change from run to run."""

    _source: TrainableSource | None = PrivateAttr(None)

    @model_validator(mode="before")
    @classmethod
    def _lift_asks(cls, value: Any) -> Any:
        return with_asks(value) if isinstance(value, dict) else value

    @field_validator("objective", mode="before")
    @classmethod
    def _accept_single(cls, value: Any) -> Any:
        return [value] if isinstance(value, dict) else value

    @property
    def source(self) -> TrainableSource:
        """The source of its trainable; a file of the user's own only if the study was read from a file next to it."""
        if self._source is not None:
            return self._source
        if isinstance(self.trainable, Program):
            return TrainableSource(str(self.trainable), command=self.trainable.command, report=self.trainable.report)
        return TrainableSource(self.trainable)

    def with_source(self, source: TrainableSource) -> Self:
        """The study with the place that its trainable was found at."""
        study = self.model_copy()
        study._source = source
        return study

    @property
    def settings(self) -> dict[str, Any]:
        """What every trial of the study has in common: `fixed`, then `evaluate`."""
        return {**self.fixed, **self.evaluate}

    @property
    def kind(self) -> Literal["search", "ablation", "relation"]:
        """How its question is answered."""
        return "ablation" if self.ablation is not None else "relation" if self.relation is not None else "search"

    @property
    def seed_list(self) -> list[int]:
        """The seeds that every arm is trained with; none of a search."""
        design = self.ablation or self.relation
        return [] if design is None else design.seed_list
