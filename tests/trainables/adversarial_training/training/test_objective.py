"""TRADES' loss, AugMix's consistency and a student's loss by hand, in numpy from the logits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy.spatial.distance import jensenshannon
from scipy.special import log_softmax, softmax
from scipy.stats import entropy
from torch import Tensor, nn

from tests.support.small_networks import small_batch, small_network
from trainables import adversarial_training
from trainables.adversarial_training.training.objective import Objective, StepBatch, jensen_shannon
from trainables.adversarial_training.training.optimisation import training_loss
from trainables.contract import resolve


def config(**given: Any) -> Any:
    return resolve(adversarial_training, given).config


def sharp_network(seed: int = 0, classes: tuple[int, ...] = (10,)) -> nn.Module:
    """A network whose predictions of different images differ clearly, as those of a trained one."""
    model = small_network("lenet", seed, classes)
    with torch.no_grad():
        for head in model.heads:
            head.weight.mul_(30)  # type: ignore[operator, union-attr]
    return model


def step_batch(classes: tuple[int, ...] = (10,), mixes: int = 0) -> StepBatch:
    images, labels = small_batch("lenet", n=6, classes=classes)
    draw = torch.Generator().manual_seed(3)
    others = [torch.rand(images.shape, generator=draw) for _ in range(1 + mixes)]
    return StepBatch(images, others[0], labels, others[1:])


def logits_of(model: nn.Module, images: Tensor) -> list[Any]:
    return [head.detach().double().numpy() for head in model(images)]


def cross_entropy(logits: Any, labels: Any) -> float:
    return float(-log_softmax(logits, axis=1)[np.arange(len(labels)), labels].mean())


def divergence(clean: Any, other: Any) -> float:
    return float(np.mean([entropy(p, q) for p, q in zip(softmax(clean, 1), softmax(other, 1), strict=True)]))


def test_trades_is_the_clean_loss_and_the_divergence_of_the_perturbed_prediction() -> None:
    model, batch = sharp_network(classes=(10,)), step_batch()
    loss, logits = Objective(config(objective="trades", trades_beta=4.0))(model, batch)
    [clean], [perturbed] = logits_of(model, batch.images), logits_of(model, batch.adversarial)
    labels = batch.labels[:, 0].numpy()
    expected = cross_entropy(clean, labels) + 4.0 * divergence(clean, perturbed)
    assert float(loss.detach()) == pytest.approx(expected, rel=1e-5)
    assert np.allclose(logits[0].detach().numpy(), perturbed, atol=1e-6), "accuracy is that of perturbed images"
    assert expected > cross_entropy(clean, labels) + 0.1, "the test would show nothing"


def test_of_several_tasks_both_parts_of_trades_are_weighted_alike() -> None:
    model, batch = sharp_network(classes=(10, 2)), step_batch((10, 2))
    settings = config(objective="trades", trades_beta=2.0, tasks=["odd_even"], auxiliary_weight=0.5)
    loss, _ = Objective(settings)(model, batch)
    clean, perturbed = logits_of(model, batch.images), logits_of(model, batch.adversarial)
    parts = [
        cross_entropy(c, batch.labels[:, m].numpy()) + 2 * divergence(c, p)
        for m, (c, p) in enumerate(zip(clean, perturbed, strict=True))
    ]
    assert float(loss.detach()) == pytest.approx((parts[0] + 0.5 * parts[1]) / 1.5, rel=1e-5)


def test_gradients_of_trades_flow_into_both_predictions() -> None:
    """As in the authors' code, which detaches neither."""
    model, batch = sharp_network(classes=(10,)), step_batch()
    images, adversarial = (each.clone().requires_grad_() for each in (batch.images, batch.adversarial))
    settings = config(objective="trades", trades_beta=5.0)
    loss, _ = Objective(settings)(model, StepBatch(images, adversarial, batch.labels))
    loss.backward()
    of_clean = images.grad.clone()  # type: ignore[union-attr]
    assert float(adversarial.grad.abs().sum()) > 0  # type: ignore[union-attr]
    images.grad = None
    training_loss(settings, model(images), batch.labels).backward()
    assert not torch.allclose(of_clean, images.grad, atol=1e-6)  # type: ignore[arg-type]


def test_trades_takes_the_divergence_attack_where_a_study_leaves_it_open() -> None:
    assert config(objective="trades").perturbation == "kl"
    assert config(objective="trades", perturbation="sta").perturbation == "sta"
    assert config().perturbation == "sta"


def test_jensen_shannon_is_that_of_scipy_for_two_and_zero_for_equals() -> None:
    draw = torch.Generator().manual_seed(0)
    first, second, third = (3 * torch.randn(5, 4, generator=draw) for _ in range(3))
    pairs = zip(softmax(first.double().numpy(), 1), softmax(second.double().numpy(), 1), strict=True)
    expected = np.mean([jensenshannon(p, q) ** 2 for p, q in pairs])
    assert float(jensen_shannon([first, second])) == pytest.approx(float(expected), rel=1e-5)
    assert float(jensen_shannon([first, first, first])) == pytest.approx(0, abs=1e-6)
    predictions = [softmax(each.double().numpy(), 1) for each in (first, second, third)]
    mean = np.mean(predictions, axis=0)
    by_hand = np.mean([[entropy(p, m) for p, m in zip(of, mean, strict=True)] for of in predictions])
    assert float(jensen_shannon([first, second, third])) == pytest.approx(float(by_hand), rel=1e-5)


@pytest.mark.parametrize("objective", ["cross_entropy", "trades"])
def test_mixes_are_compared_with_the_image_whose_label_is_learnt(objective: str) -> None:
    model, batch = sharp_network(classes=(10,)), step_batch(mixes=2)
    settings = config(objective=objective, augmix=True, jsd_weight=7.0, perturbation="sta")
    loss, logits = Objective(settings)(model, batch)
    without, same = Objective(settings)(model, StepBatch(batch.images, batch.adversarial, batch.labels))
    own = batch.images if objective == "trades" else batch.adversarial
    consistency = jensen_shannon([model(own)[0], *(model(mix)[0] for mix in batch.mixes)])
    torch.testing.assert_close(loss, without + 7.0 * consistency)
    torch.testing.assert_close(logits[0], same[0])


def test_labels_are_smoothed_in_the_training_loss() -> None:
    model, batch = sharp_network(classes=(10,)), step_batch()
    [logits] = logits_of(model, batch.images)
    labels = batch.labels[:, 0].numpy()
    uniform = float(-log_softmax(logits, axis=1).mean())
    loss = training_loss(config(label_smoothing=0.2), model(batch.images), batch.labels)
    assert float(loss.detach()) == pytest.approx(0.8 * cross_entropy(logits, labels) + 0.2 * uniform, rel=1e-5)


def test_a_teacher_is_softened_by_the_temperature() -> None:
    model, batch = sharp_network(classes=(10,)), step_batch()
    settings = config(distillation="defensive", perturbation="none")
    loss, logits = Objective(settings, temperature=20.0)(model, batch)
    [own] = logits_of(model, batch.adversarial)
    assert float(loss.detach()) == pytest.approx(cross_entropy(own / 20, batch.labels[:, 0].numpy()), rel=1e-5)
    assert np.allclose(logits[0].detach().numpy(), own, atol=1e-6), "logits are reported without temperature"


def test_a_student_learns_the_teachers_probabilities_at_the_same_temperature() -> None:
    model, teacher, batch = sharp_network(classes=(10,)), sharp_network(1, (10,)), step_batch()
    settings = config(distillation="defensive", perturbation="none")
    loss, _ = Objective(settings, 5.0, teacher)(model, batch)
    [own], [taught] = logits_of(model, batch.adversarial), logits_of(teacher, batch.images)
    expected = -(softmax(taught / 5, 1) * log_softmax(own / 5, 1)).sum(1).mean()
    assert float(loss.detach()) == pytest.approx(float(expected), rel=1e-5)
    loss.backward()
    assert all(weight.grad is None for weight in teacher.parameters())
