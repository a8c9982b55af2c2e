"""Torch's switches while a trial computes, and after it: workers outlive trials."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import torch

from trainables import adversarial_training, counterfactual_gan
from trainables.contract import InProcessRun, resolve
from trainables.device.arithmetic import WORKSPACE, deterministic_algorithms, each_within, float32_products, measuring
from trainables.device.settings import ArithmeticSettings

FEW: dict[Any, dict[str, Any]] = {
    adversarial_training: {"train_size": 40, "test_size": 20, "width": 1, "epochs": 2, "steps": 1, "attack_steps": 1},
    counterfactual_gan: {
        "train_size": 40, "test_size": 12, "batch_size": 20, "image_size": 16, "generator_width": 4, "epochs": 2,
        "generator_levels": 2, "discriminator_width": 4, "judge_width": 4, "judges": 1, "judge_epochs": 1,
    },
}  # fmt: skip


def switches() -> dict[str, Any]:
    """All that a trial sets, as both of torch's interfaces say it."""
    backends: Any = torch.backends
    return {
        "products": (backends.cuda.matmul.fp32_precision, backends.cuda.matmul.allow_tf32),
        "convolutions": (backends.cudnn.conv.fp32_precision, backends.cudnn.rnn.fp32_precision),
        "cudnn": (backends.cudnn.allow_tf32, backends.cudnn.deterministic, backends.cudnn.benchmark),
        "deterministic": (
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
        ),
        "workspace": os.environ.get(WORKSPACE),
    }


def rounds_to_tf32() -> set[bool]:
    """Whether products, convolutions and recurrent layers round to TF32, however torch is asked; one answer of all."""
    seen = switches()
    tf32 = {precision == "tf32" for precision in (seen["products"][0], *seen["convolutions"])}
    return tf32 | {seen["products"][1], seen["cudnn"][0]}


@pytest.mark.parametrize("tf32", [False, True])
def test_products_and_convolutions_round_as_asked_and_then_as_before(tf32: bool) -> None:
    before = switches()
    with float32_products(tf32=not tf32):
        with float32_products(tf32=tf32):
            assert rounds_to_tf32() == {tf32}
        assert rounds_to_tf32() == {not tf32}
    assert switches() == before


def test_what_a_notebook_had_set_is_set_again() -> None:
    precision = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    try:
        before = switches()
        with float32_products(tf32=False):
            assert rounds_to_tf32() == {False}
        assert switches() == before
    finally:
        torch.set_float32_matmul_precision(precision)
        torch.backends.cuda.matmul.fp32_precision = "none"


def test_determinism_is_all_of_torchs_switches_and_then_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    before = switches()
    with deterministic_algorithms(True):
        seen = switches()
        assert (seen["deterministic"], seen["cudnn"][1:]) == ((True, False), (True, False))
        assert seen["workspace"] == ":4096:8"
    assert switches() == before
    with deterministic_algorithms(False):
        assert switches() == before


def test_a_workspace_that_was_chosen_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(WORKSPACE, ":16:8")
    with deterministic_algorithms(True):
        assert os.environ[WORKSPACE] == ":16:8"
    assert os.environ[WORKSPACE] == ":16:8"


def test_nothing_is_set_between_the_values_of_an_iterator_nor_after_a_failure() -> None:
    def steps() -> Iterator[bool]:
        yield torch.are_deterministic_algorithms_enabled()
        raise ValueError("a step failed")

    values = each_within(steps(), lambda: measuring(ArithmeticSettings(deterministic=True)))
    assert next(values) is True
    assert not torch.are_deterministic_algorithms_enabled()
    with pytest.raises(ValueError, match="a step failed"):
        next(values)
    assert not torch.are_deterministic_algorithms_enabled()


BOTH = {"tf32": True, "deterministic": True}


@pytest.mark.parametrize(
    ("method", "given"),
    [
        pytest.param(adversarial_training, {}, id="adversarial_training"),
        pytest.param(adversarial_training, BOTH, id="adversarial_training-both"),
        pytest.param(counterfactual_gan, BOTH, id="counterfactual_gan-both"),
    ],
)
def test_a_trial_trains_as_its_fields_say_and_is_measured_without_tf32(
    method: Any, given: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[tuple[bool, bool]] = []
    measured: list[tuple[bool, bool]] = []
    convolve = torch.nn.Conv2d.forward

    def noted(layer: Any, images: Any) -> Any:
        [tf32] = rounds_to_tf32()
        (trained if layer.training else measured).append((tf32, torch.are_deterministic_algorithms_enabled()))
        return convolve(layer, images)

    monkeypatch.setattr(torch.nn.Conv2d, "forward", noted)
    config = resolve(method, {**FEW[method], **given}).config
    before, seen = switches(), []
    for report in method.train(config, InProcessRun()):
        assert switches() == before
        seen.append(report)
    tf32, deterministic = bool(given), bool(given)
    assert set(trained) >= {(tf32, deterministic)}
    assert {exact for _, exact in (*trained, *measured)} == {deterministic}
    trained.clear()
    measured.clear()
    method.evaluate(config, seen[-1].state, InProcessRun())
    assert set(measured) == {(False, deterministic)}
