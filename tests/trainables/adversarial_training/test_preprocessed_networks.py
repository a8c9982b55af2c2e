"""A transformation of input that a trained network gets at test time passes for no robustness that isn't there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from trainables import adversarial_training
from trainables.contract import InProcessRun, resolve
from trainables.input_transformations.table import TRANSFORMATIONS

pytestmark = pytest.mark.long

TRAINED = {
    "perturbation": "none",
    "epochs": 8,
    "attack_epsilon": 0.12,
    "test_size": 150,
    "width": 4,
    "lr": 4e-3,
    "squeezed_bits": 3,
    "eot_draws": 5,
}
"""Standard training; the test takes APGD on the margin, targeted APGD and Square."""


def config(**given: Any) -> Any:
    return resolve(adversarial_training, {**TRAINED, **given}).config


@pytest.fixture(scope="module")
def state() -> Mapping[str, Any]:
    *_, last = adversarial_training.train(config(), InProcessRun())
    assert last.state is not None
    return last.state


def tested(state: Mapping[str, Any], **given: Any) -> Mapping[str, float]:
    return adversarial_training.evaluate(config(**given), state, InProcessRun()).metrics


@pytest.fixture(scope="module")
def plain(state: Mapping[str, Any]) -> Mapping[str, float]:
    return tested(state)


@pytest.mark.parametrize("kind", list(TRANSFORMATIONS))
def test_attacks_that_go_through_it_find_what_it_hides(
    kind: str, state: Mapping[str, Any], plain: Mapping[str, float]
) -> None:
    """Measured: .27 without, .06 to .24 with; Square, which needs no gradient, finds nothing that gradients left."""
    found = tested(state, preprocessing=kind, preprocessing_in="test")
    assert found["test/robust_accuracy.worst_case"] <= plain["test/robust_accuracy.worst_case"] + 0.08
    assert found["test/failures_found.square"] <= 0.05
    assert found["test/clean_accuracy"] > 0.5
    assert found != plain
