"""Training and measuring on a GPU, a fake one: no tensor is left on the CPU, and no batch waits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.support.fake_gpu import FakeGpu, FakeStream, fake_gpu
from trainables import adversarial_training as method
from trainables.adversarial_training.attacks.attack_plan import PlannedAttack, attacks_taken
from trainables.adversarial_training.evaluation.evaluation import measure
from trainables.adversarial_training.model import build
from trainables.adversarial_training.perturbations.table import KINDS
from trainables.adversarial_training.training.loop import train_epoch
from trainables.adversarial_training.training.objective import Objective
from trainables.adversarial_training.training.optimisation import make_optimizer
from trainables.adversarial_training.training.overfitting_signals import overfitting_signals
from trainables.adversarial_training.training.weight_averages import Averaging
from trainables.attacks.table import attack_of
from trainables.contract import InProcessRun, resolve
from trainables.datasets.sampling.samples import Samples
from trainables.device.state_copy import begin_copy

GIVEN: dict[str, Any] = {"dataset": "digits", "tasks": ["odd_even"], "width": 2, "steps": 2, "epochs": 1}
IMAGES, SIDE = 6, 16

CONTROLS = ("adversarial_training/perturbations/matched_sizes.py", "adversarial_training/perturbations/controls.py")
"""Where S3's controls look at sizes: whether a projection has converged, and at their mean over ranks."""


class Batches:
    """So many equal batches on the GPU, as a loader gives them."""

    def __init__(self, count: int, channels: int) -> None:
        self.count, self.channels, self.dataset = count, channels, range(count * IMAGES)

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for _ in range(self.count):
            images = torch.zeros(IMAGES, self.channels, SIDE, SIDE, device="cuda")
            yield images, torch.zeros(IMAGES, 2, dtype=torch.int64, device="cuda")


def config_of(**given: Any) -> Any:
    return resolve(method, {**GIVEN, "batch_size": IMAGES, **given}).config


def network(config: Any) -> tuple[Any, int]:
    """A network of two tasks on the GPU, and how many channels its images have."""
    channels = 3 if config.network == "resnet18" else 1
    return build(config, (channels, SIDE, SIDE), (3, 2), seed=0).to("cuda"), channels


def waits_of_an_epoch(config: Any, batches: int, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """What an epoch of so many batches waits for."""
    with monkeypatch.context() as patched, fake_gpu(patched) as gpu:
        model, channels = network(config)
        averaging, objective = Averaging(config, model), Objective(config)
        if config.distillation != "none":
            teacher, _ = network(config)
            objective = Objective(config, config.distillation_temperature, teacher.eval().requires_grad_(False))
        gpu.waits.clear()
        loader: Any = Batches(batches, channels)
        run = InProcessRun(device_name="cuda")
        train_epoch(config, run, model, make_optimizer(config, model), loader, 0, 0.1, averaging, objective)
        return Counter(gpu.waits)


def of_a_batch(config: Any, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """What an epoch waits for in each of its batches: what more batches wait for more."""
    few, many = (waits_of_an_epoch(config, batches, monkeypatch) for batches in (1, 2))
    assert few, "an epoch's mean loss is read at its end"
    return set(many - few)


@pytest.mark.parametrize("perturbation", KINDS)
def test_no_batch_waits_whatever_it_is_perturbed_by(perturbation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    waits = of_a_batch(config_of(perturbation=perturbation), monkeypatch)
    assert {wait for wait in waits if not wait.startswith(CONTROLS)} == set()


@pytest.mark.parametrize(
    "given",
    [
        {"objective": "trades", "perturbation": "kl", "weight_average": 0.9},
        {"network": "resnet18", "augmentation": "crop_flip", "optimizer": "sgd", "momentum": 0.9},
        {"awp_gamma": 0.01, "awp_warmup": 0, "dropout": 0.2},
        {"augmix": True, "jsd_weight": 12.0},
        {"preprocessing": "jpeg", "preprocessing_in": "training_and_test"},
        {"preprocessing": "random_noise", "preprocessing_in": "training_and_test"},
        {"head": "angular", "angular_margin": 0.2, "alpha_draw": "sample", "perturbation": "mp"},
        {"distillation": "defensive", "epochs": 2, "perturbation": "none"},
    ],
    ids=lambda given: "-".join(given),
)
def test_no_batch_waits_whatever_technique_it_is_trained_with(given: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert of_a_batch(config_of(**given), monkeypatch) == set()


def test_a_batch_is_taken_from_the_images_without_a_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    with fake_gpu(monkeypatch) as gpu:
        samples = fake_samples(1)
        gpu.waits.clear()
        images, labels = samples.__getitems__([2, 0, 1])
        assert (images.shape, labels.shape) == ((3, 1, SIDE, SIDE), (3, 2))
        assert gpu.waits == []


def fake_samples(channels: int) -> Samples:
    images = torch.zeros(IMAGES, channels, SIDE, SIDE, dtype=torch.uint8, device="cuda")
    labels = torch.zeros(IMAGES, 2, dtype=torch.int64, device="cuda")
    return Samples(images, torch.arange(IMAGES, device="cuda"), labels)


@pytest.mark.parametrize("attack", ["pgd", "apgd_ce", "apgd_margin", "apgd_t", "fab_t", "square", "cw_l2"])
def test_every_attack_of_a_test_stays_on_the_gpu(attack: str, monkeypatch: pytest.MonkeyPatch) -> None:
    config = config_of(attacks=["fgsm"])
    few = PlannedAttack(
        attack_of(attack),
        replace(attack_of(attack).adjusted({"steps": 2, "step_size": 0.05, "restarts": 1}), steps=2),
        "main_head",
        0.1,
    )
    monkeypatch.setattr(
        "trainables.adversarial_training.evaluation.evaluation.attacks_taken",
        lambda config, tested: [*attacks_taken(config, tested=tested), few],
    )
    with fake_gpu(monkeypatch):
        monkeypatch.setattr("trainables.adversarial_training.attacks.attacking.images_at_once", lambda *given: 500)
        model, channels = network(config)
        measured = measure(config, model, fake_samples(channels), tested=True)
        assert {one.predictions.is_meta for one in (*measured.within.values(), *measured.beyond.values())} == {True}
        assert measured.metrics("test").keys() >= {"test/clean_accuracy", "test/robust_accuracy.worst_case"}


def test_the_signals_of_overfitting_stay_on_the_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    config = config_of(attack_steps=2)
    with fake_gpu(monkeypatch):
        monkeypatch.setattr("trainables.adversarial_training.attacks.attacking.images_at_once", lambda *given: 500)
        model, channels = network(config)
        assert overfitting_signals(config, model, fake_samples(channels), InProcessRun(device_name="cuda"))


def test_a_state_is_copied_beside_and_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    config = config_of(optimizer="sgd", momentum=0.9)
    with fake_gpu(monkeypatch) as gpu:
        model, channels = network(config)
        optimizer = make_optimizer(config, model)
        loader: Any = Batches(1, channels)
        train_epoch(config, InProcessRun(device_name="cuda"), model, optimizer, loader, 0, 0.1)
        gpu.waits.clear()
        copied = begin_copy({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, torch.device("cuda"))
        assert (gpu.waits, FakeStream.waited) == ([], 0)
        state = copied()
        assert (gpu.waits, FakeStream.waited) == ([], 1)
        assert gpu.copied_out == 2 * len(list(model.parameters()))
        assert {tensor.device.type for tensor in state["model"].values()} == {"cpu"}


def test_the_fake_gpu_sees_a_wait_and_refuses_a_tensor_of_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    def waits(gpu: FakeGpu, action: Any) -> int:
        gpu.waits.clear()
        action()
        return len(gpu.waits)

    with fake_gpu(monkeypatch) as gpu:
        there, here = torch.zeros(3, device="cuda"), torch.zeros(3)
        for action in (there.cpu, there.sum().item, lambda: here.to("cuda"), lambda: bool(there.any()),
                       lambda: there[there > 0], there.nonzero, lambda: there[torch.tensor([1])]):  # fmt: skip
            assert waits(gpu, action) == 1
        assert waits(gpu, lambda: here.pin_memory().to("cuda", non_blocking=True)) == 0
        layer = nn.Linear(3, 2).to("cuda")
        with pytest.raises(RuntimeError, match="device"):
            layer(here)
