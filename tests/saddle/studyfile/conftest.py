"""A fake training method, and short ways to load a study written in a test."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Self

import pytest
from pydantic import field_validator, model_validator

from saddle.errors import StudyError
from saddle.study.models import Study
from saddle.studyfile.loader import parse_studies
from saddle.studyfile.problem import Problem
from trainables.contract import Component, Config, Default, hyperparameter

FILE = "study.yaml"

SEARCH = """\
study: one
question: Which rate is best?
trainable: fake
fixed: {dataset: digits, tasks: [odd_even]}
search:
  lr: {float: [1e-4, 1e-1], log: true}
  steps: {int: [1, 8]}
objective: {maximize: validation/accuracy}
sampler: {tpe: {startup_trials: 4}}
early_stopping: asha
budget: {trials: 8}
"""

ABLATION = """\
study: two
trainable: fake
fixed: {dataset: digits, tasks: [odd_even]}
ablation:
  baseline: {perturbation: sta}
  factors: {perturbation: [sta, mta, mp]}
  seeds: 3
  compare: {metric: test/accuracy}
"""


class FakeConfig(Config):
    """A configuration with one field of every kind."""

    dataset: str = hyperparameter("digits", source="assumed", description="Data.")
    tasks: list[str] = hyperparameter([], source="assumed", description="Auxiliary tasks.")
    perturbation: Literal["sta", "mta", "mp"] = hyperparameter("sta", source="paper", description="Kind.")
    lr: float = hyperparameter(0.1, source="paper", gt=0, le=1, description="Rate.")
    low: float = hyperparameter(0.0, source="assumed", ge=0, le=1, description="Not above high.")
    high: float = hyperparameter(1.0, source="assumed", ge=0, le=1, description="Not below low.")
    steps: int = hyperparameter(3, source="paper", ge=1, le=100, description="Steps.")
    epochs: int | None = hyperparameter(None, source="paper", ge=1, description="Epochs.")
    schedule: Literal["flat", "cyclic"] = hyperparameter("flat", source="paper", description="Schedule.")
    random_start: bool = hyperparameter(True, source="paper", description="Start.")
    attacks: list[str] = hyperparameter(["pgd"], source="paper", description="Attacks.")

    @field_validator("attacks")
    @classmethod
    def _known(cls, value: list[str]) -> list[str]:
        for name in value:
            if name != "pgd":
                raise ValueError(f"attack {name!r} is not there yet; there is: pgd")
        return value

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"low {self.low:g} is above high {self.high:g}")
        if self.perturbation != "sta" and not self.tasks:
            raise ValueError(f"perturbation {self.perturbation} needs tasks")
        return self


class FakeMethod:
    """A trainable that trains nothing."""

    Config = FakeConfig
    METRICS: Mapping[str, str] = {
        "train/loss": "minimize",
        "validation/accuracy": "maximize",
        "validation/loss": "minimize",
        "validation/seconds": "minimize",
        "test/accuracy": "maximize",
    }
    SELECTION = "validation/accuracy"
    COMPONENTS: Mapping[str, Component] = {
        "mixing": Component("A mixture.", off={"perturbation": "sta"}, on={"perturbation": "mp"}),
        "slow": Component("Takes its time, by default.", off={"steps": 1, "lr": 0.01}),
        "hasty": Component("Fits nothing.", off={"low": 0.5, "high": 0.2}),
    }
    RECIPES = ("paper", "code")
    SCALES = ("quick", "full")
    DATA_MEASURES: Mapping[str, str] = {"distance": "distances between classes"}

    def data_measures(self, config: Any, run: Any) -> Mapping[str, float]:
        return {"distance": 1.0}

    def defaults(self, given: Mapping[str, Any], recipe: str | None, scale: str | None) -> dict[str, Default]:
        return {"epochs": Default(2, "assumed")} if scale == "quick" else {}

    def train(self, config: Any, run: Any) -> Any: ...

    def load(self, config: Any, state: Any) -> Any: ...

    def evaluate(self, config: Any, state: Any, run: Any) -> Any: ...


Load = Callable[..., list[Study]]
Refuse = Callable[..., list[Problem]]


@pytest.fixture(scope="session")
def fakes() -> dict[str, Any]:
    """The trainables that the tests' studies may name."""
    return {"fake": FakeMethod(), "other": FakeMethod()}


@pytest.fixture(scope="session")
def load(fakes: dict[str, Any]) -> Load:
    """The studies of a text."""

    def load_text(text: str | bytes, overrides: Sequence[str] = ()) -> list[Study]:
        return parse_studies(text, FILE, overrides, trainables=fakes)

    return load_text


@pytest.fixture(scope="session")
def refuse(load: Load) -> Refuse:
    """The problems of a text that must not load."""

    def refuse_text(text: str | bytes, overrides: Sequence[str] = ()) -> list[Problem]:
        with pytest.raises(StudyError) as caught:
            load(text, overrides)
        assert str(caught.value) == "\n".join(map(str, caught.value.problems))
        return list(caught.value.problems)

    return refuse_text


@pytest.fixture(scope="session")
def search_text() -> str:
    return SEARCH


@pytest.fixture(scope="session")
def ablation_text() -> str:
    return ABLATION
