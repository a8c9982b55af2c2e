"""Adversarial weight perturbation: how far weights are moved, that they come back exactly, and where gradients are."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.support.small_networks import small_batch, small_network
from trainables import adversarial_training
from trainables.adversarial_training.training.objective import Objective, StepBatch
from trainables.adversarial_training.training.step import take_step
from trainables.adversarial_training.training.weight_perturbation import perturbed_weights, unchanged_statistics
from trainables.contract import InProcessRun, resolve

NETWORK = "resnet18"


def config(**given: Any) -> Any:
    return resolve(adversarial_training, given).config


def network_and_batch() -> tuple[Any, StepBatch]:
    images, labels = small_batch(NETWORK, n=6, classes=(10,))
    return small_network(NETWORK, classes=(10,)).train(), StepBatch(images, images, labels)


def weights_of(model: Any) -> dict[str, Tensor]:
    return {name: weight.detach().clone() for name, weight in model.named_parameters()}


def test_each_layer_is_moved_along_its_gradient_by_a_share_of_its_norm_and_back_exactly() -> None:
    model, batch = network_and_batch()
    F.cross_entropy(model(batch.images)[0], batch.labels[:, 0]).backward()
    before = weights_of(model)
    with perturbed_weights(model, 0.01):
        for name, weight in model.named_parameters():
            moved = weight.detach() - before[name]
            if weight.ndim > 1:
                assert float(moved.norm()) == pytest.approx(0.01 * float(before[name].norm()), rel=1e-3)
                cosine = F.cosine_similarity(moved.flatten(), weight.grad.flatten(), dim=0)
                assert float(cosine) == pytest.approx(1, abs=1e-4)
            else:
                assert torch.equal(weight, before[name]), f"{name} is a bias or of a norm"
    assert all(torch.equal(weight, before[name]) for name, weight in model.named_parameters())


def test_weights_come_back_where_a_step_fails() -> None:
    model, batch = network_and_batch()
    F.cross_entropy(model(batch.images)[0], batch.labels[:, 0]).backward()
    before = weights_of(model)
    with pytest.raises(RuntimeError, match="out of memory"), perturbed_weights(model, 0.5):
        raise RuntimeError("out of memory")
    assert all(torch.equal(weight, before[name]) for name, weight in model.named_parameters())


def test_statistics_of_the_first_pass_are_forgotten() -> None:
    model, batch = network_and_batch()
    before = {name: buffer.clone() for name, buffer in model.named_buffers()}
    with unchanged_statistics(model):
        model(batch.images)
        assert not all(torch.equal(buffer, before[name]) for name, buffer in model.named_buffers())
    assert all(torch.equal(buffer, before[name]) for name, buffer in model.named_buffers())


def stepped(gamma: float, epoch: int = 0, **given: Any) -> tuple[dict[str, Tensor], float]:
    model, batch = network_and_batch()
    settings = config(awp_gamma=gamma, **given)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    loss, _ = take_step(settings, Objective(settings), model, model, optimizer, batch, epoch)
    return weights_of(model), float(loss.detach())


def test_a_step_takes_the_gradient_at_the_moved_weights_from_the_weights_themselves() -> None:
    """w - lr ∇L(w + v), by hand."""
    model, batch = network_and_batch()
    before = weights_of(model)
    labels = batch.labels[:, 0]
    first = torch.autograd.grad(F.cross_entropy(model(batch.images)[0], labels), [*model.parameters()])
    with torch.no_grad():
        for weight, slope in zip(model.parameters(), first, strict=True):
            if weight.ndim > 1:
                weight += 0.05 * weight.norm() / slope.norm() * slope
    loss = F.cross_entropy(model(batch.images)[0], labels)
    second = torch.autograd.grad(loss, [*model.parameters()])
    after, reported = stepped(0.05)
    for (name, weight), slope in zip(before.items(), second, strict=True):
        torch.testing.assert_close(after[name], weight - 0.1 * slope, rtol=1e-4, atol=1e-5)
    assert reported == pytest.approx(float(loss.detach()), rel=1e-4)
    assert reported > stepped(0.0)[1], "the moved weights are worse"


def test_it_begins_after_its_warm_up() -> None:
    plain, early = stepped(0.0)[0], stepped(0.05, epoch=1, awp_warmup=2)[0]
    late = stepped(0.05, epoch=2, awp_warmup=2)[0]
    assert all(torch.equal(early[name], weight) for name, weight in plain.items())
    assert not torch.equal(late["stem.weight"], plain["stem.weight"])


def test_a_training_with_it_learns() -> None:
    settings = config(awp_gamma=0.005, epsilon=0.02, steps=1, width=2, epochs=5, attack_steps=2, attacks="pgd")
    *_, last = adversarial_training.train(settings, InProcessRun())
    assert last.metrics["validation/clean_accuracy"] > 0.6
