"""The signals of catastrophic overfitting: by definition, on a jagged network, and of trials that report them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from trainables import adversarial_training
from trainables.adversarial_training.data import splits
from trainables.adversarial_training.model import build
from trainables.adversarial_training.overfitting_watch import is_watched
from trainables.adversarial_training.training.overfitting_signals import overfitting_signals
from trainables.contract import InProcessRun, resolve
from trainables.datasets import load
from trainables.models.multi_task import MultiTaskNetwork

SMALL = {"width": 2, "attack_steps": 10, "attacks": "pgd", "train_size": 400, "epochs": 2, "steps": 1}
GAP, ALIGNMENT = "validation/single_step_gap", "validation/gradient_alignment"


def config(**given: Any) -> Any:
    return resolve(adversarial_training, {**SMALL, **given}).config


class Jagged(MultiTaskNetwork):
    """A network behind ripples far shorter than ε, so that gradients say little of what is a step away."""

    def __init__(self, inner: MultiTaskNetwork) -> None:
        super().__init__()
        self.inner = inner
        self.heads = inner.heads

    def trunk(self, images: Tensor) -> Tensor:
        waves = images + 0.05 * torch.sin(400 * images)
        return self.inner.trunk(waves)


@pytest.fixture(scope="module")
def trained() -> tuple[Any, MultiTaskNetwork, Any]:
    settings = config(epochs=6)
    *_, last = adversarial_training.train(settings, InProcessRun())
    model = adversarial_training.load(settings, last.state)  # type: ignore[arg-type]
    return settings, model, splits(settings, load("digits"), torch.device("cpu")).validation


def test_they_are_far_apart_on_a_jagged_network_and_not_on_a_smooth_one(trained: tuple[Any, Any, Any]) -> None:
    settings, model, samples = trained
    smooth = overfitting_signals(settings, model, samples, InProcessRun())
    jagged = overfitting_signals(settings, Jagged(model), samples, InProcessRun())
    assert smooth[ALIGNMENT] > 0.8
    assert jagged[ALIGNMENT] < 0.5


def test_the_gap_is_that_of_both_attacks_in_the_evaluation(trained: tuple[Any, Any, Any]) -> None:
    settings, model, samples = trained
    signals = overfitting_signals(settings, model, samples, InProcessRun())
    from trainables.adversarial_training.evaluation.evaluation import measure

    both = settings.model_copy(update={"attacks": ("fgsm", "pgd"), "validation_attacks": "all"})
    metrics = measure(both, model, samples).metrics("validation")
    assert signals[GAP] == pytest.approx(
        metrics["validation/robust_accuracy.fgsm"] - metrics["validation/robust_accuracy.pgd"]
    )


def test_a_linear_networks_gradients_are_aligned(trained: tuple[Any, Any, Any]) -> None:
    """Of two classes the gradient of the cross-entropy of linear logits has one direction everywhere."""
    settings, _, samples = trained

    class Linear(MultiTaskNetwork):
        def __init__(self) -> None:
            super().__init__()
            self.make_heads(64, (10,))
            with torch.no_grad():
                self.heads[0].weight[2:] = 0  # type: ignore[index]
                self.heads[0].bias[2:] = -30  # type: ignore[index]

        def trunk(self, images: Tensor) -> Tensor:
            return images.flatten(1)

    two = type(samples)(samples.split, samples.chosen, samples.labels % 2)
    signals = overfitting_signals(settings, Linear(), two, InProcessRun())
    assert signals[ALIGNMENT] == pytest.approx(1, abs=1e-3)


def test_without_any_gradient_there_is_no_alignment(trained: tuple[Any, Any, Any]) -> None:
    settings, _, samples = trained
    constant = build(settings, (1, 8, 8), (10,), 0)
    torch.nn.init.zeros_(constant.heads[0].weight)  # type: ignore[arg-type]
    assert overfitting_signals(settings, constant, samples, InProcessRun())[ALIGNMENT] == 0


@pytest.mark.long
def test_catastrophic_overfitting_is_seen_while_it_happens() -> None:
    """FGSM from the images themselves at a large ε. Measured: the gap rises from .07 to .43, the cosine falls by .3."""
    settings = resolve(
        adversarial_training,
        {
            "perturbation": "fgsm_rs", "random_start": False, "single_step_size": 1.0, "epsilon": 0.3,
            "attack_epsilon": 0.3, "epochs": 30, "epsilon_warmup": 8, "lr": 6e-3, "width": 12,
            "attack_steps": 10, "attacks": "fgsm",
        },
    ).config  # fmt: skip
    curve = [report.metrics for report in adversarial_training.train(settings, InProcessRun())]
    begun, ended = curve[3], curve[-5:]
    assert begun[GAP] < 0.15
    assert min(epoch[GAP] for epoch in ended) > begun[GAP] + 0.15
    assert max(epoch[ALIGNMENT] for epoch in ended) < begun[ALIGNMENT] - 0.1
    assert curve[-1]["validation/robust_accuracy.fgsm"] > 0.3, "by FGSM alone it would seem robust"


@pytest.mark.parametrize("perturbation", ["fgsm_rs", "n_fgsm"])
def test_single_steps_report_them_at_every_validation(perturbation: str) -> None:
    reports = list(adversarial_training.train(config(perturbation=perturbation), InProcessRun()))
    assert all({GAP, ALIGNMENT} <= report.metrics.keys() for report in reports)


def test_others_report_them_where_they_are_asked_to() -> None:
    assert not is_watched(config())
    assert is_watched(config(analyses=["catastrophic_overfitting"]))
    [report, _] = adversarial_training.train(config(analyses=["catastrophic_overfitting"]), InProcessRun())
    assert {GAP, ALIGNMENT} <= report.metrics.keys()
    [plain, _] = adversarial_training.train(config(), InProcessRun())
    shared = {name: value for name, value in report.metrics.items() if name not in (GAP, ALIGNMENT)}
    assert shared == dict(plain.metrics), "watching changes nothing"
