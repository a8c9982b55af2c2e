"""What a study file may say, as pydantic models; `loader` turns YAML into them and finds every mistake at once."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from saddle.study.published import Published
from saddle.study.space import Parameter

STUDY_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"

ONLY_IN_A_SEARCH = ("objective", "constraints", "sampler", "early_stopping")
"""Sections that mean nothing to an ablation."""

# Strict, because YAML has its own types: a quoted "12" is a text and `true` is no 1.
Whole = Annotated[int, Field(strict=True, ge=0)]
Count = Annotated[int, Field(strict=True, ge=1)]
Several = Annotated[int, Field(strict=True, ge=2)]
Seed = Annotated[int, Field(strict=True, ge=0, lt=2**32)]
Positive = Annotated[float, Field(strict=True, gt=0)]
Flag = Annotated[bool, Field(strict=True)]


class Section(BaseModel):
    """Base of every part of a study file: frozen, and closed to unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)


class OneOf(Section):
    """A choice written `name`, or `{name: {option: value}}`; exactly one name may be given."""

    @model_validator(mode="before")
    @classmethod
    def _accept_bare_name(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {value: {}}
        if isinstance(value, dict) and len(value) != 1:
            raise ValueError(f"exactly one of {', '.join(cls.model_fields)} is wanted, not {len(value)}")
        if isinstance(value, dict):
            return {name: {} if options is None else options for name, options in value.items()}
        return value

    @property
    def name(self) -> str:
        """The chosen name."""
        return next(iter(self.model_fields_set))

    @property
    def options(self) -> Any:
        """The options of the chosen name."""
        return getattr(self, self.name)


class Objective(Section):
    """What a search optimises: `{maximize: METRIC}` or `{minimize: METRIC}`."""

    maximize: str | None = None
    """A validation metric that should be large."""
    minimize: str | None = None
    """A validation metric that should be small."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.maximize is None) == (self.minimize is None):
            raise ValueError("exactly one of maximize and minimize is wanted")
        return self

    @property
    def metric(self) -> str:
        return self.maximize or self.minimize or ""

    @property
    def direction(self) -> Literal["maximize", "minimize"]:
        return "maximize" if self.maximize is not None else "minimize"


class Constraint(Section):
    """A bound that feasible trials keep, written `METRIC >= NUMBER` or `METRIC <= NUMBER`."""

    PATTERN: ClassVar = re.compile(r"\s*(\S+)\s*(>=|<=)\s*([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)\s*")

    metric: str
    relation: Literal[">=", "<="]
    bound: float

    @model_validator(mode="before")
    @classmethod
    def _parse(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        match = cls.PATTERN.fullmatch(value)
        if match is None:
            example = "validation/clean_accuracy >= 0.97"
            raise ValueError(f"{value!r} is no constraint; write METRIC >= NUMBER, such as {example}")
        return {"metric": match[1], "relation": match[2], "bound": float(match[3])}

    def violation(self, value: float) -> float:
        """How far `value` is on the wrong side; zero or less where the constraint holds."""
        return self.bound - value if self.relation == ">=" else value - self.bound

    def __str__(self) -> str:
        return f"{self.metric} {self.relation} {self.bound!r}"


class Seeded(Section):
    """Base of the samplers' options."""

    seed: Seed = 0
    """Of the sampler's own draws; with one trial at a time, the same seed proposes the same trials."""


class Tpe(Seeded):
    """Tree-structured Parzen estimator."""

    startup_trials: Count = 10
    """Trials drawn at random before the model is used; at least as many as run at once."""
    multivariate: Flag = False
    """Whether parameters are modelled together."""


class Gp(Seeded):
    """Gaussian process."""

    startup_trials: Count = 10
    """Trials drawn at random before the model is used; at least as many as run at once."""


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
    """Values tried of every float and of every wide int parameter."""


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
    """Successive halving: at each rung only the best go on."""

    grace_epochs: Count = 1
    """Epochs that every trial may train."""
    reduction_factor: Several = 3
    """One in so many goes on from rung to rung."""


class Hyperband(Section):
    """Successive halving at several levels of grace."""

    grace_epochs: Count = 1
    """Epochs that every trial may train."""
    reduction_factor: Several = 3
    """One in so many goes on from rung to rung."""


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
    """Where a study ends: the first limit reached counts."""

    trials: Count | None = None
    """How many trials a search has."""
    hours: Positive | None = None
    """Wall-clock hours of the study."""
    gpu_hours: Positive | None = None
    """Hours of all GPUs together."""
    minutes_per_trial: Positive | None = None
    """A trial that trains longer ends as timed_out."""


def share_or_whole(gpus: float) -> float:
    """Refuse what no GPU can be shared into."""
    if gpus > 1 and not float(gpus).is_integer():
        raise ValueError("beyond one GPU only whole ones can be had")
    return gpus


class Resources(Section):
    """What one trial runs on."""

    workers: Count = 1
    """Processes that train one trial together."""
    gpus_per_worker: Annotated[float, Field(strict=True, ge=0), AfterValidator(share_or_whole)] = 0.0
    """GPUs, or a share of one."""
    cpus_per_worker: Positive = 1.0
    """CPU cores."""
    concurrency: Count | None = None
    """How many trials run at once at most; without it as many as fit."""


class KeptCheckpoints(Section):
    """Which checkpoints of finished trials stay; without any line here, the selected and the last one of every trial.

    What the report cites always stays: the best trial or the Pareto front, and the trials whose images it shows.
    """

    best: Whole | None = None
    """Of how many trials, the best by the study's selection metric; without it of all."""
    last: Flag = True
    """Whether a trial that stays keeps its last checkpoint beside the selected one."""
    gigabytes: Positive | None = None
    """What all of them together may take; beyond that the worst trials' go first."""


class Compare(Section):
    """How an ablation's arms are compared."""

    metric: str | None = None
    """A test or validation metric."""
    alpha: Annotated[float, Field(strict=True, gt=0, lt=1)] = 0.05
    """How often a difference may be claimed where there is none."""
    correction: Literal["holm", "bh"] = "holm"
    """How `alpha` is shared among the arms: `holm` bounds the chance of any wrong claim, `bh` their expected share."""
    equivalence: Positive | None = None
    """Half the width of "no practical difference", in the metric's unit."""


class OneFactor(Section):
    """Every level of every factor that is not the baseline's makes one arm."""


class LeaveOneOut(Section):
    """The baseline has every component, and each arm lacks one."""


class Factorial(Section):
    """Every combination of levels is an arm."""


class Fractional(Section):
    """A regular fraction of all combinations of factors with two levels each."""

    resolution: Annotated[int, Field(strict=True, ge=3, le=8)] = 4
    """At III main effects are mixed up with two-factor interactions, at IV these with each other, at V neither."""


class Design(OneOf):
    """Which arms there are."""

    one_factor: OneFactor | None = None
    leave_one_out: LeaveOneOut | None = None
    factorial: Factorial | None = None
    fractional: Fractional | None = None


class FixedSeeds(Section):
    """Every arm gets every seed."""


class Looks(Section):
    """Arms are looked at after every seed."""


class Race(OneOf):
    """Whether arms whose question is settled stop getting seeds, and how α is spent over the looks."""

    none: FixedSeeds | None = None
    obrien_fleming: Looks | None = None
    pocock: Looks | None = None

    @model_validator(mode="before")
    @classmethod
    def _accept_bool(cls, value: Any) -> Any:
        return {True: "obrien_fleming", False: "none"}[value] if isinstance(value, bool) else value

    @property
    def spending(self) -> Literal["obrien_fleming", "pocock"] | None:
        """The spending function; None where every arm gets every seed."""
        return None if self.name == "none" else "pocock" if self.name == "pocock" else "obrien_fleming"


class Component(Section):
    """A part that arms have or lack, in one or several hyperparameters."""

    on: dict[str, Any] = Field(default_factory=dict)
    """Settings of an arm that has it, where the baseline does not say otherwise."""
    off: Annotated[dict[str, Any], Field(min_length=1)]
    """Settings of an arm that lacks it."""


SWITCH = ("on", "off")
"""The levels of a component."""


def with_levels(factors: Any) -> Any:
    """Factors given as a list of names, or by names without levels, as a mapping with the levels on and off."""
    if isinstance(factors, list) and all(isinstance(name, str) for name in factors):
        factors = dict.fromkeys(factors)
    if isinstance(factors, dict):
        return {name: list(SWITCH) if levels is None else levels for name, levels in factors.items()}
    return factors


class Ablation(Section):
    """Arms around a baseline, each trained with the same seeds."""

    baseline: dict[str, Any] = Field(default_factory=dict)
    """Settings of the baseline; `best_of: STUDY` among them starts from a search's best trial, which they override."""
    best_of: Annotated[str, Field(pattern=STUDY_NAME)] | None = None
    """The search whose best trial the baseline starts from."""
    design: Design = Design(one_factor=OneFactor())
    """Which arms there are."""
    factors: Annotated[dict[str, list[Any]], Field(min_length=1)]
    """The levels of every factor: hyperparameters, or components with the levels `on` and `off`.

    A list of names stands for components and boolean hyperparameters, each on or off; so does a name without levels.
    """
    components: dict[str, Component] = Field(default_factory=dict)
    """What the components among the factors set; those that the trainable declares need not be repeated."""
    exclude: list[Annotated[dict[str, Any], Field(min_length=1)]] = Field(default_factory=list)
    """Combinations that no arm may have: factors with a level, or with a list of levels."""
    blocks: Annotated[dict[str, Annotated[list[Any], Field(min_length=2)]], Field(max_length=3)] = Field(
        default_factory=dict
    )
    """Hyperparameters (or `machine`) that every arm meets at each of the given levels, such as `dataset`."""
    order_seed: Seed = 0
    """Of the random order in which the arms of each seed are run."""
    seeds: Annotated[int, Field(strict=True, ge=1, le=1000)] | Annotated[list[Seed], Field(min_length=1)] = 3
    """How many seeds every arm is trained with at most, or which."""
    race: Race = Race(none=FixedSeeds())
    """Whether an arm whose question is settled gets no more seeds; `true` spends α as O'Brien and Fleming do."""
    compare: Compare = Compare()
    """How the arms are compared."""

    @model_validator(mode="before")
    @classmethod
    def _lift_best_of(cls, value: Any) -> Any:
        baseline = value.get("baseline") if isinstance(value, dict) else None
        if not isinstance(baseline, dict) or "best_of" not in baseline:
            return value
        if "best_of" in value:
            raise ValueError("best_of is given twice, beside baseline and in it")
        rest = {name: setting for name, setting in baseline.items() if name != "best_of"}
        return {**value, "baseline": rest, "best_of": baseline["best_of"]}

    @field_validator("factors", mode="before")
    @classmethod
    def _accept_names(cls, value: Any) -> Any:
        return with_levels(value)

    @property
    def seed_list(self) -> list[int]:
        """The seeds that every arm is trained with."""
        return list(range(self.seeds)) if isinstance(self.seeds, int) else list(self.seeds)


class Study(Section):
    """One question and how it is answered: a `search`, or an `ablation`."""

    study: Annotated[str, Field(pattern=STUDY_NAME)]
    """Its name: letters, digits, `.`, `_` and `-`."""
    question: str = ""
    """What the study answers; the report opens with it."""
    trainable: str
    """The training method. Later documents of a file inherit it from the first."""
    recipe: str | None = None
    """One of the trainable's recipes: optimiser, schedule, batch. Inherited."""
    scale: str | None = None
    """One of the trainable's scales: sizes of data, network, training. Inherited."""
    fixed: dict[str, Any] = Field(default_factory=dict)
    """Hyperparameters that all trials share. Inherited key by key."""
    search: Annotated[dict[str, Parameter], Field(min_length=1)] | None = None
    """The hyperparameters to search, with their ranges."""
    objective: Annotated[list[Objective], Field(min_length=1, max_length=3)] | None = None
    """What the search optimises; up to three objectives, which then exclude early stopping."""
    constraints: list[Constraint] = Field(default_factory=list)
    """Bounds that feasible trials keep."""
    sampler: Sampler = Sampler(tpe=Tpe())
    """What proposes the trials."""
    early_stopping: EarlyStopping = EarlyStopping(none=Never())
    """What stops hopeless trials."""
    budget: Budget = Budget()
    """Where the study ends."""
    resources: Resources = Resources()
    """What one trial runs on. Inherited key by key."""
    checkpoints: KeptCheckpoints = KeptCheckpoints()
    """Which checkpoints stay once the study has ended; may change from run to run."""
    evaluate: dict[str, Any] = Field(default_factory=dict)
    """Hyperparameters that say how a trial is measured (attacks, steps). Inherited key by key."""
    ablation: Ablation | None = None
    """The arms to compare; a study has either this or a search."""
    published: Published | None = None
    """A CSV file of published values to show beside an ablation's; may change from run to run."""

    @field_validator("objective", mode="before")
    @classmethod
    def _accept_single(cls, value: Any) -> Any:
        return [value] if isinstance(value, dict) else value

    @property
    def settings(self) -> dict[str, Any]:
        """What every trial of the study has in common: `fixed`, then `evaluate`."""
        return {**self.fixed, **self.evaluate}
