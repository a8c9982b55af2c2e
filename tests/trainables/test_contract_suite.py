"""The contract suite catches what it is there to catch: each broken trainable fails its check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from time import perf_counter
from typing import Any, ClassVar

import pytest
import torch

from saddle_contracts.trainable import TrainableContract, first_difference
from trainables.contract import Config, Metric, Report, Run, hyperparameter


class Walk:
    """A sound trainable: a weight that walks at random, with momentum, for three epochs."""

    class Config(Config):
        epochs: int = hyperparameter(3, source="assumed", ge=1, description="Steps of the walk.")

    METRICS: ClassVar = {"train/loss": "minimize", "validation/accuracy": "maximize", "test/accuracy": "maximize"}
    SELECTION = "validation/accuracy"

    def train(self, config: Any, run: Run) -> Iterator[Report]:
        state = run.resume() or {"epoch": 0, "weight": torch.zeros(2, 1), "momentum": torch.zeros(2, 1)}
        weight, momentum = state["weight"].clone(), state["momentum"].clone()
        for epoch in range(state["epoch"], config.epochs):
            noise = torch.randn(2, 1, generator=torch.Generator().manual_seed(run.seed * 100 + epoch))
            momentum = 0.9 * momentum + noise
            weight += momentum
            yield self.report(epoch + 1, weight, momentum)

    def report(self, epoch: int, weight: torch.Tensor, momentum: torch.Tensor) -> Report:
        metrics = {"train/loss": float(weight.norm()), "validation/accuracy": float(weight.sum())}
        return Report(metrics, state={"epoch": epoch, "weight": weight.clone(), "momentum": momentum.clone()})

    def load(self, config: Any, state: Mapping[str, Any]) -> torch.nn.Module:
        model = torch.nn.Linear(1, 2, bias=False)
        model.load_state_dict({"weight": state["weight"]})
        return model.eval()

    def evaluate(self, config: Any, state: Mapping[str, Any], run: Run) -> Report:
        return Report({"test/accuracy": float(state["weight"].sum())})


class Forgetful(Walk):
    def report(self, epoch: int, weight: torch.Tensor, momentum: torch.Tensor) -> Report:
        sound = super().report(epoch, weight, momentum)
        return Report(sound.metrics, state={**(sound.state or {}), "momentum": torch.zeros(2, 1)})


class Aliasing(Walk):
    def report(self, epoch: int, weight: torch.Tensor, momentum: torch.Tensor) -> Report:
        return Report(super().report(epoch, weight, momentum).metrics, state={"epoch": epoch, "weight": weight})

    def train(self, config: Any, run: Run) -> Iterator[Report]:
        weight = torch.zeros(2, 1)
        for epoch in range(config.epochs):
            weight += 1
            yield self.report(epoch, weight, weight)


class Peeking(Walk):
    def report(self, epoch: int, weight: torch.Tensor, momentum: torch.Tensor) -> Report:
        sound = super().report(epoch, weight, momentum)
        return Report({**sound.metrics, "test/accuracy": 1.0}, state=sound.state)


class Undeclared(Walk):
    def evaluate(self, config: Any, state: Mapping[str, Any], run: Run) -> Report:
        return Report({"test/f1": 1.0})


class Training(Walk):
    def load(self, config: Any, state: Mapping[str, Any]) -> torch.nn.Module:
        return super().load(config, state).train()


class Unseeded(Walk):
    def report(self, epoch: int, weight: torch.Tensor, momentum: torch.Tensor) -> Report:
        return super().report(epoch, weight + torch.rand(2, 1), momentum)


class SelectedOnTest(Walk):
    SELECTION = "test/accuracy"


class Unexplained(Walk):
    class Config(Config):
        epochs: int = 3


class Impossible(Walk):
    METRICS: ClassVar = {**Walk.METRICS, "test/accuracy": Metric("maximize", unit="fraction", high=0.1)}

    def evaluate(self, config: Any, state: Mapping[str, Any], run: Run) -> Report:
        return Report({"test/accuracy": 0.5})


class HeldAgainstNothing(Walk):
    METRICS: ClassVar = {**Walk.METRICS, "test/accuracy": Metric("maximize", role="robust", clean="test/clean")}


class Timed(Walk):
    METRICS: ClassVar = {**Walk.METRICS, "train/seconds": Metric("minimize", unit="s", reproducible=False)}

    def report(self, epoch: int, weight: torch.Tensor, momentum: torch.Tensor) -> Report:
        sound = super().report(epoch, weight, momentum)
        return Report({**sound.metrics, "train/seconds": perf_counter()}, state=sound.state)


class CodeInState(Walk):
    def report(self, epoch: int, weight: torch.Tensor, momentum: torch.Tensor) -> Report:
        sound = super().report(epoch, weight, momentum)
        return Report(sound.metrics, state={**(sound.state or {}), "made_by": Walk})


def failures(trainable: Any) -> dict[str, str]:
    """Which checks of the suite a trainable fails, and with which message."""
    suite = type("Suite", (TrainableContract,), {"trainable": trainable, "config": {}})()
    failed = {}
    for name in dir(TrainableContract):
        if name.startswith("test_"):
            try:
                getattr(suite, name)()
            except (Exception, pytest.fail.Exception) as error:
                failed[name.removeprefix("test_")] = str(error)
    return failed


@pytest.mark.parametrize("sound", [Walk, Timed])
def test_a_sound_trainable_passes(sound: type[Walk]) -> None:
    assert failures(sound()) == {}


@pytest.mark.parametrize(
    ("broken", "check", "message"),
    [
        (Forgetful, "a_resumed_trial_equals_an_undisturbed_one", "the state lacks something"),
        (Aliasing, "a_reported_state_is_a_copy", "clone tensors"),
        (Peeking, "training_reports_declared_metrics_of_train_and_validation_only", "for evaluate only"),
        (Undeclared, "evaluate_reports_declared_test_metrics", "METRICS doesn't declare"),
        (Impossible, "evaluate_reports_declared_test_metrics", "test/accuracy = 0.5'], which METRICS excludes"),
        (HeldAgainstNothing, "the_declared_metrics_are_well_named", "refers to test/clean, which isn't declared"),
        (Training, "load_gives_the_trained_model_in_eval_mode", "in eval mode"),
        (Unseeded, "a_seed_decides_everything", "the same seed gave different"),
        (SelectedOnTest, "the_declared_metrics_are_well_named", "never on test"),
        (Unexplained, "every_hyperparameter_says_what_it_is", "declare it with hyperparameter"),
        (CodeInState, "a_state_is_tensors_and_plain_values", "weights_only"),
    ],
)
def test_a_broken_trainable_is_caught(broken: type[Walk], check: str, message: str) -> None:
    failed = failures(broken())
    assert check in failed, f"only {sorted(failed)} failed"
    assert message in failed[check]


def test_differences_are_found_where_they_are() -> None:
    one = {"a": [torch.tensor([1.0, float("nan")]), {"b": 1}], "c": float("nan")}
    assert first_difference(one, {"a": [torch.tensor([1.0, float("nan")]), {"b": 1}], "c": float("nan")}) is None
    assert first_difference(one, {**one, "a": [one["a"][0] + 1, {"b": 1}]}) == "a[0]"
    assert first_difference(one, {**one, "a": [one["a"][0], {"b": 2}]}) == "a[1].b (1, 2)"
    assert first_difference(one, {"a": one["a"]}) == "c (missing in one of them)"
    assert first_difference(torch.zeros(2), torch.zeros(2, dtype=torch.float64)) == ""
