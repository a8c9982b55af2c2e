"""The contract itself: reports, failures, and how a configuration is completed."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Literal

import pytest
from pydantic import ValidationError

from trainables import adversarial_training
from trainables.contract import (
    Collapsed,
    Config,
    Default,
    Diverged,
    InProcessRun,
    MethodFailure,
    Report,
    Trainable,
    field_source,
    hyperparameter,
    require_finite,
    resolve,
)


class Settings(Config):
    lr: float = hyperparameter(0.1, source="paper", description="Rate.", gt=0, le=1, unit="per step")
    epochs: int = hyperparameter(5, source="customary", description="Passes.", ge=1)
    kind: Literal["a", "b"] = "a"


METHOD = SimpleNamespace(
    Config=Settings,
    RECIPES=("slow",),
    defaults=lambda given, recipe, scale: {"lr": Default(0.01, "official code")} if recipe == "slow" else {},
)


@pytest.mark.parametrize(
    "name", ["accuracy", "Test/accuracy", "dev/accuracy", "test/", "test/clean accuracy", "test/a."]
)
def test_a_metric_needs_its_split(name: str) -> None:
    with pytest.raises(ValueError, match="must be named split/metric"):
        Report({name: 1.0})


@pytest.mark.parametrize("value", [True, "0.5", None])
def test_a_metric_is_a_number(value: object) -> None:
    with pytest.raises(ValueError, match="must be a float"):
        Report({"test/accuracy": value})  # type: ignore[dict-item]


def test_a_report_takes_dotted_names_and_nan() -> None:
    report = Report({"validation/robust_accuracy.worst_case": 1, "train/loss": math.nan})
    assert report.state is None
    assert dict(report.arrays) == {}


def test_given_values_win_over_recipe_and_recipe_over_field() -> None:
    assert resolve(METHOD, {}).config == Settings()
    assert resolve(METHOD, {}).sources == {"lr": "paper", "epochs": "customary", "kind": "assumed"}
    slow = resolve(METHOD, {"epochs": 7}, recipe="slow")
    assert slow.config == Settings(lr=0.01, epochs=7)
    assert slow.sources == {"lr": "official code", "epochs": "study file", "kind": "assumed"}
    given = resolve(METHOD, {"lr": 0.5}, recipe="slow")
    assert given.config.lr == 0.5  # type: ignore[attr-defined]
    assert given.sources["lr"] == "study file"


@pytest.mark.parametrize("given", [{"lr": 0}, {"lr": 2}, {"lr": math.nan}, {"epoch": 3}, {"kind": "c"}])
def test_what_the_configuration_refuses_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        resolve(METHOD, given)


def test_a_method_without_recipes_needs_none() -> None:
    plain = SimpleNamespace(Config=Settings)
    assert resolve(plain, {}, recipe="anything").config == Settings()
    assert field_source(Settings, "kind") == "assumed"


def test_failures_of_the_method_carry_why_and_pictures() -> None:
    for kind in (Collapsed, Diverged):
        failure = kind("constant output", {"sample": 1})
        assert isinstance(failure, MethodFailure)
        assert (failure.why, failure.images, str(failure)) == ("constant output", {"sample": 1}, "constant output")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_loss_that_leaves_the_finite_numbers_is_divergence(value: float) -> None:
    assert require_finite("train/loss", 1.5) == 1.5
    with pytest.raises(Diverged, match="train/loss is"):
        require_finite("train/loss", value)


def test_the_run_of_one_process() -> None:
    import torch

    run = InProcessRun(seed=3, state={"epoch": 1})
    model = torch.nn.Linear(2, 2)
    assert run.device == torch.device("cpu")
    assert run.unwrap(run.prepare(model)) is model
    assert run.prepare_loader([1]) == [1]
    assert run.mean(0.25) == 0.25
    assert run.resume() == {"epoch": 1}
    assert len(run.data("digits").classes) == 10


def test_adversarial_training_is_a_trainable() -> None:
    assert isinstance(adversarial_training, Trainable)
    assert adversarial_training.SELECTION in adversarial_training.METRICS
