"""What a study file may say, as pydantic models; `loader` turns YAML into them and finds every mistake at once."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

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

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


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
    minimize: str | None = None

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
    seed: Seed = 0


class Tpe(Seeded):
    startup_trials: Count = 10
    multivariate: Flag = False


class Gp(Seeded):
    startup_trials: Count = 10


class CmaEs(Seeded):
    startup_trials: Count = 1


class Nsga2(Seeded):
    population_size: Several = 50


class Random(Seeded):
    pass


class Qmc(Seeded):
    type: Literal["sobol", "halton"] = "sobol"


class Grid(Seeded):
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
    grace_epochs: Count = 1
    reduction_factor: Several = 3


class Hyperband(Section):
    grace_epochs: Count = 1
    reduction_factor: Several = 3


class Median(Section):
    startup_trials: Count = 5
    grace_epochs: Whole = 1


class Never(Section):
    pass


class EarlyStopping(OneOf):
    """Which of Optuna's pruners stops a trial early."""

    asha: Asha | None = None
    hyperband: Hyperband | None = None
    median: Median | None = None
    none: Never | None = None


class Budget(Section):
    """Where a study ends: the first limit reached counts. `minutes_per_trial` bounds one trial."""

    trials: Count | None = None
    hours: Positive | None = None
    gpu_hours: Positive | None = None
    minutes_per_trial: Positive | None = None


class Resources(Section):
    """What one trial runs on; `concurrency` bounds how many run at once (default: as many as fit)."""

    workers: Count = 1
    gpus_per_worker: Annotated[float, Field(strict=True, ge=0)] = 0.0
    cpus_per_worker: Positive = 1.0
    concurrency: Count | None = None


class Compare(Section):
    """How an ablation's arms are compared; `equivalence` is the half-width of "no practical difference"."""

    metric: str | None = None
    alpha: Annotated[float, Field(strict=True, gt=0, lt=1)] = 0.05
    correction: Literal["holm"] = "holm"
    equivalence: Positive | None = None


class Ablation(Section):
    """Arms around a baseline, each trained with the same seeds.

    `baseline: {best_of: STUDY, …}` starts from the best trial of a search; other keys of `baseline` override it.
    """

    baseline: dict[str, Any] = Field(default_factory=dict)
    best_of: Annotated[str, Field(pattern=STUDY_NAME)] | None = None
    design: Literal["one_factor", "leave_one_out", "factorial"] = "one_factor"
    factors: Annotated[dict[str, list[Any]], Field(min_length=1)]
    seeds: Annotated[int, Field(strict=True, ge=1, le=1000)] | Annotated[list[Seed], Field(min_length=1)] = 3
    compare: Compare = Compare()

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

    @property
    def seed_list(self) -> list[int]:
        """The seeds that every arm is trained with."""
        return list(range(self.seeds)) if isinstance(self.seeds, int) else list(self.seeds)


class Study(Section):
    """One question and how it is answered: a `search`, or an `ablation`."""

    study: Annotated[str, Field(pattern=STUDY_NAME)]
    question: str = ""
    trainable: str
    recipe: str | None = None
    scale: str | None = None
    fixed: dict[str, Any] = Field(default_factory=dict)
    search: Annotated[dict[str, Parameter], Field(min_length=1)] | None = None
    objective: Annotated[list[Objective], Field(min_length=1, max_length=3)] | None = None
    constraints: list[Constraint] = Field(default_factory=list)
    sampler: Sampler = Sampler(tpe=Tpe())
    early_stopping: EarlyStopping = EarlyStopping(none=Never())
    budget: Budget = Budget()
    resources: Resources = Resources()
    evaluate: dict[str, Any] = Field(default_factory=dict)
    """Fields of the trainable's configuration that say how it is measured (attacks, steps)."""
    ablation: Ablation | None = None

    @field_validator("objective", mode="before")
    @classmethod
    def _accept_single(cls, value: Any) -> Any:
        return [value] if isinstance(value, dict) else value

    @property
    def settings(self) -> dict[str, Any]:
        """What every trial of the study has in common: `fixed`, then `evaluate`."""
        return {**self.fixed, **self.evaluate}
