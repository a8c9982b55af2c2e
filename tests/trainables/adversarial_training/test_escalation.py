"""A cheap set runs an attack again at length where it finds what those before it should have found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from trainables import adversarial_training
from trainables.adversarial_training.attacks.attack_plan import attacks_taken
from trainables.adversarial_training.data import splits
from trainables.adversarial_training.evaluation.evaluation import measure
from trainables.attacks.attack import Budget
from trainables.attacks.table import SETS, Escalation
from trainables.contract import InProcessRun, Report, resolve

SMALL = {"epochs": 4, "epsilon_warmup": 1, "steps": 2, "width": 2, "test_size": 300, "attacks": ["quick"]}


class Rounded(nn.Module):
    """A network behind an input of nine grey levels: its gradients are zero."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Sequence[Tensor]:
        logits: Sequence[Tensor] = self.network((images * 8).round() / 8)
        return logits


@pytest.fixture(scope="module")
def trained() -> tuple[Any, nn.Module, Any]:
    config = resolve(adversarial_training, SMALL).config
    *_, last = adversarial_training.train(config, InProcessRun())
    samples = splits(config, InProcessRun().data("digits"), torch.device("cpu")).test
    return config, adversarial_training.load(config, last.state), samples


@pytest.fixture(autouse=True)
def _shorter(monkeypatch: pytest.MonkeyPatch) -> None:
    long_square = {"square": Budget(600)}
    shorter = replace(
        SETS["quick"],
        escalations={
            "apgd_t": Escalation(0.25, {"apgd_t": Budget(60, targets=9)}, {"apgd_t": Escalation(0.001, long_square)}),
            "square": Escalation(0.002, long_square),
        },
    )
    monkeypatch.setitem(SETS, "quick", shorter)


def test_a_masked_network_is_attacked_at_length(trained: tuple[Any, nn.Module, Any]) -> None:
    config, network, samples = trained
    masked = measure(config, Rounded(network), samples, tested=True)
    assert list(masked.within)[-2:] == ["quick.square", "quick_escalated.square"]
    found = (masked.within["quick.square"].predictions != masked.labels).sum()
    assert found > max(1, 0.002 * len(masked.labels))
    facts = masked.facts()
    assert [name for name in facts if "escalated" in facts[name]] == ["quick_escalated.square"]
    stored = {name: array.numpy() for name, array in masked.arrays().items()}
    earlier = Report(masked.metrics("test"), arrays=stored, fingerprints={"attacks": facts})
    again = measure(config, Rounded(network), samples, tested=True, earlier=earlier)
    assert again.facts() == facts, "it is still known why it ran"


def test_a_network_whose_gradients_find_all_is_not(trained: tuple[Any, nn.Module, Any]) -> None:
    config, network, samples = trained
    measured = measure(config, network, samples, tested=True)
    assert list(measured.within)[-1] == "quick.square"


def test_it_is_more_than_one_sample_and_more_than_a_share_of_them() -> None:
    config = resolve(adversarial_training, SMALL).config
    square = next(one for one in attacks_taken(config, tested=True) if one.attack.name == "square")
    assert square.escalated(1, 300) == []
    assert square.escalated(2, 1_000) == []
    [longer] = square.escalated(3, 1_000)
    assert (longer.budget, longer.name, longer.escalated(99, 100)) == (Budget(600), "quick_escalated.square", [])


def test_where_targets_find_much_that_a_short_attack_did_not_they_are_run_at_length_and_then_square() -> None:
    config = resolve(adversarial_training, SMALL).config
    names = [one.attack.name for one in attacks_taken(config, tested=True)]
    assert names == ["apgd_margin", "apgd_t", "square"]
    targeted = attacks_taken(config, tested=True)[1]
    assert targeted.escalated(250, 1_000) == []
    [longer] = targeted.escalated(251, 1_000)
    assert (longer.name, longer.budget) == ("quick_escalated.apgd_t", Budget(60, targets=9))
    assert longer.escalated(1, 300) == [], "a single image is none"
    [square] = longer.escalated(2, 1_000)
    assert (square.name, square.budget) == ("quick_escalated.square", Budget(600))
    assert square.escalated(99, 100) == []
