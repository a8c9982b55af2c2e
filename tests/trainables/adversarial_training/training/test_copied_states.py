"""A state is copied while the network is validated: nothing of it changes until the copy is waited for."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch

from trainables import adversarial_training as method
from trainables.adversarial_training.model import build
from trainables.adversarial_training.training import loop
from trainables.adversarial_training.training.objective import Objective, StepBatch
from trainables.adversarial_training.training.validation import Validation
from trainables.contract import InProcessRun, resolve
from trainables.states import detached

GIVEN: dict[str, Any] = {
    "dataset": "digits", "width": 1, "epochs": 2, "steps": 1, "attack_steps": 1, "train_size": 40, "test_size": 20,
    "network": "resnet18", "weight_average": 0.5, "optimizer": "sgd", "momentum": 0.9,
}  # fmt: skip


def test_a_copy_that_is_made_at_the_last_moment_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []

    def slow_copy(state: Mapping[str, Any], device: Any) -> Callable[[], dict[str, Any]]:
        first = copy.deepcopy(detached(state))
        events.append("begun")

        def wait() -> dict[str, Any]:
            events.append("waited for")
            last: dict[str, Any] = detached(state)
            torch.testing.assert_close(last, first, rtol=0, atol=0)
            return last

        return wait

    validated = Validation.after

    def noted(validation: Validation, epoch: int, model: Any) -> dict[str, float]:
        events.append("validated")
        return validated(validation, epoch, model)

    monkeypatch.setattr(loop, "begin_copy", slow_copy)
    monkeypatch.setattr(Validation, "after", noted)
    states = []
    for report in method.train(resolve(method, GIVEN).config, InProcessRun()):
        events.append("reported")
        states.append(report.state)
    assert events == ["begun", "validated", "waited for", "reported"] * 2
    assert states[0].keys() >= {"model", "optimizer", "average", "epoch"}
    assert not torch.equal(states[0]["model"]["stem.weight"], states[1]["model"]["stem.weight"])


def test_mixed_precision_is_of_the_trained_pass_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def on_the_cpu(config: Any, device: torch.device) -> Any:
        return torch.autocast("cpu", torch.bfloat16, enabled=config.mixed_precision)

    monkeypatch.setattr("trainables.adversarial_training.training.objective.autocast", on_the_cpu)
    seen: dict[bool, set[torch.dtype]] = {True: set(), False: set()}
    convolve = torch.nn.Conv2d.forward

    def noted(layer: Any, images: Any) -> Any:
        maps = convolve(layer, images)
        seen[layer.training].add(maps.dtype)
        return maps

    monkeypatch.setattr(torch.nn.Conv2d, "forward", noted)
    losses = {}
    for mixed in (False, True):
        config = resolve(method, {**GIVEN, "epochs": 1, "mixed_precision": mixed}).config
        [report] = method.train(config, InProcessRun())
        losses[mixed] = report.metrics["train/loss"]
        assert {value.dtype for value in report.state["model"].values()} <= {torch.float32, torch.int64}
    assert seen == {True: {torch.float32, torch.bfloat16}, False: {torch.float32}}
    assert losses[True] != losses[False]
    assert losses[True] == pytest.approx(losses[False], rel=0.05)


def test_losses_of_mixed_precision_are_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "trainables.adversarial_training.training.objective.autocast",
        lambda config, device: torch.autocast("cpu", torch.bfloat16),
    )
    config = resolve(method, {**GIVEN, "objective": "trades", "mixed_precision": True}).config
    model = build(config, (1, 8, 8), (10,), seed=0)
    images = torch.rand(4, 1, 8, 8)
    loss, logits = Objective(config)(model, StepBatch(images, images.flip(0), torch.zeros(4, 1, dtype=torch.int64)))
    assert {tensor.dtype for tensor in (loss, *logits)} == {torch.float32}


def test_the_order_of_channels_changes_rounding_alone_and_is_kept_by_averages_and_on_resuming() -> None:
    layouts: set[bool] = set()
    convolve = torch.nn.Conv2d.forward

    def noted(layer: Any, images: Any) -> Any:
        if layer.weight.shape[1] > 1 and layer.weight.shape[2] > 1:
            layouts.add(layer.weight.is_contiguous(memory_format=torch.channels_last))
        return convolve(layer, images)

    given = {**GIVEN, "weight_average": 0.0}
    plain = list(method.train(resolve(method, given).config, InProcessRun()))
    config = resolve(method, {**given, "channels_last": True}).config
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.nn.Conv2d, "forward", noted)
        first, last = method.train(config, InProcessRun())
        [resumed] = method.train(config, InProcessRun(state=first.state))
    assert layouts == {True}
    torch.testing.assert_close(resumed.state["model"], last.state["model"], rtol=0, atol=0)
    assert last.metrics["train/loss"] == pytest.approx(plain[-1].metrics["train/loss"], rel=1e-3)
