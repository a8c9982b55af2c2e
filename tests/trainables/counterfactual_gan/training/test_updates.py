"""One update of both networks: what S1's equations say, with as few passes as they need."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import nn

from tests.support.reference_gan import transcribed_update
from trainables import counterfactual_gan as method
from trainables.contract import resolve
from trainables.counterfactual_gan.config import Config
from trainables.counterfactual_gan.model import discriminator_of, generator_of
from trainables.counterfactual_gan.training.losses import sameness_loss
from trainables.counterfactual_gan.training.updates import generator_terms, update
from trainables.joint_batch import JointBatch

SHAPE = (1, 16, 16)


def config(**given: Any) -> Config:
    small = {"generator_width": 4, "discriminator_width": 4, "generator_levels": 2, "image_size": 16, "dropout": 0.0}
    return resolve(method, {**small, "noise_channels": 0, **given}).config  # type: ignore[return-value]


class Counted(nn.Module):
    """A network that notes how many images go through it."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner, self.images, self.passes = inner, 0, 0

    def forward(self, images: torch.Tensor) -> Any:
        self.images += len(images)
        self.passes += 1
        return self.inner(images)


def networks(settings: Config) -> tuple[nn.Module, nn.Module]:
    return generator_of(settings, SHAPE, 0).double(), discriminator_of(settings, SHAPE, 0).double()


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.rand(6, *SHAPE, generator=generator, dtype=torch.float64), torch.tensor([0, 1, 1, 0, 1, 0])


def adams(generator: nn.Module, discriminator: nn.Module) -> tuple[torch.optim.Adam, torch.optim.Adam]:
    return torch.optim.Adam(generator.parameters(), 1e-3), torch.optim.Adam(discriminator.parameters(), 1e-3)


def alone(model: nn.Module) -> nn.Module:
    return model


@pytest.mark.parametrize("form", ["flip", "printed"])
@pytest.mark.parametrize("half_cycles", [1, 2, 3])
def test_losses_and_weights_are_those_of_the_equations(form: str, half_cycles: int) -> None:
    settings = config(generator_loss=form, half_cycles=half_cycles, lambda_c=0.5, lambda3=0.7, lambda2=0.3)
    images, labels = batch()
    ours, theirs = networks(settings), networks(settings)
    losses = update(settings, *ours, *adams(*ours), images, labels, alone)
    wanted = transcribed_update(settings, *theirs, *adams(*theirs), images, labels)
    assert {name: float(value) for name, value in losses.named()} == pytest.approx(wanted, rel=1e-9)
    for mine, reference in zip(ours, theirs, strict=True):
        for (name, weight), other in zip(mine.named_parameters(), reference.parameters(), strict=True):
            torch.testing.assert_close(weight, other, rtol=1e-6, atol=1e-9, msg=lambda text, at=name: f"{at}: {text}")


@pytest.mark.parametrize("half_cycles", [1, 2, 4])
def test_an_update_takes_a_generator_pass_per_half_cycle_and_sees_each_image_once(half_cycles: int) -> None:
    settings = config(half_cycles=half_cycles)
    images, labels = batch()
    generator, discriminator = (Counted(network) for network in networks(settings))
    update(settings, generator, discriminator, *adams(generator, discriminator), images, labels, alone)
    assert generator.passes == half_cycles
    assert discriminator.images == len(images) * (2 + half_cycles), "real and G(x), then every half-cycle"
    assert discriminator.passes == 2


def test_a_network_whose_turn_it_is_not_stays_as_it_is() -> None:
    settings = config()
    images, labels = batch()
    for who in (0, 1):
        pair = networks(settings)
        before = copy.deepcopy([network.state_dict() for network in pair])
        losses = update(
            settings, *pair, *adams(*pair), images, labels, alone,
            train_generator=who == 0, train_discriminator=who == 1,
        )  # fmt: skip
        moved = [
            any(not torch.equal(value, old[name]) for name, value in network.state_dict().items())
            for network, old in zip(pair, before, strict=True)
        ]
        assert moved == [who == 0, who == 1]
        assert (losses.discriminator is None) == (who == 0)


def test_without_an_opponent_both_are_plain_classifiers() -> None:
    settings = config(adversarial=False)
    images, labels = batch()
    generator, discriminator = networks(settings)
    head = copy.deepcopy(generator.head)  # type: ignore[arg-type]
    plain = copy.deepcopy(discriminator)
    losses = update(settings, generator, discriminator, *adams(generator, discriminator), images, labels, alone)
    optimizer = torch.optim.Adam(plain.parameters(), 1e-3)
    per_class = [torch.nn.functional.cross_entropy(plain(images[labels == c]), labels[labels == c]) for c in (0, 1)]
    torch.stack(per_class).sum().backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    assert float(losses.generator["classification"]) > 0
    assert [name for name, _ in losses.named()] == ["discriminator", "classification"]
    for weight, other in zip(discriminator.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(weight, other, rtol=1e-7, atol=1e-9)
    assert all(torch.equal(a, b) for a, b in zip(generator.head.parameters(), head.parameters(), strict=True))  # type: ignore[union-attr, operator]


def test_the_generators_step_leaves_the_discriminators_gradients_alone() -> None:
    settings = config()
    pair = networks(settings)
    update(settings, *pair, *adams(*pair), *batch(), alone, train_discriminator=False)
    assert all(weight.grad is None and weight.requires_grad for weight in pair[1].parameters())


def test_diversity_is_a_term_of_the_generators_loss_of_its_weight_on_the_first_half_cycle() -> None:
    """S1 has no such term: without a weight it is not computed."""
    settings = config(half_cycles=2, lambda_diversity=3.0)
    images, labels = batch()
    generator, discriminator = networks(settings)
    generator.eval()
    made = [generator(images)]
    made.append(generator(made[0].images))
    logits = [discriminator(each.images) for each in made]
    joint = JointBatch.of(labels)
    terms = generator_terms(settings, images, made, logits, labels, joint)
    weight, value = terms["sameness"]
    assert weight == 3.0
    assert torch.equal(value, sameness_loss(images, made[0].images, labels))
    assert not torch.equal(value, sameness_loss(images, made[1].images, labels))
    assert "sameness" not in generator_terms(config(half_cycles=2), images, made, logits, labels, joint)


@pytest.mark.parametrize("weight", [0.5, 3.0])
def test_the_generator_takes_its_step_by_that_weight(weight: float) -> None:
    settings = config(lambda_diversity=weight)
    images, labels = batch()
    with_term, without = networks(settings), networks(settings)
    update(settings, *with_term, *adams(*with_term), images, labels, alone)
    update(config(), *without, *adams(*without), images, labels, alone)
    changed = [
        not torch.equal(mine, other)
        for mine, other in zip(with_term[0].parameters(), without[0].parameters(), strict=True)
    ]
    assert any(changed)
