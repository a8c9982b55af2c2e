"""PGD equals a plain reference, stays in its ball, and leaves the model as it was."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from trainables.attacks.algorithms.pgd import pgd
from trainables.attacks.frozen import frozen
from trainables.models.lenet import MultiTaskLeNet


def reference(
    loss_of_one: Callable[[Tensor, int], Tensor], images: Tensor, epsilon: float, step: float, steps: int, noise: Tensor
) -> Tensor:
    """PGD as the definition reads, sample by sample and in terms of the perturbation (advertorch's order of clamps)."""
    finished = []
    for index, image in enumerate(images):
        eta = torch.clamp(image + epsilon * (2 * noise[index] - 1), 0, 1) - image
        for _ in range(steps):
            variable = eta.clone().requires_grad_(True)
            loss_of_one((image + variable).unsqueeze(0), index).backward()
            assert variable.grad is not None
            eta = eta + step * torch.sign(variable.grad)
            eta = torch.clamp(eta, -epsilon, epsilon)
            eta = torch.clamp(image + eta, 0, 1) - image
        finished.append(image + eta)
    return torch.stack(finished)


@pytest.mark.parametrize(
    ("epsilon", "step_size", "steps"), [(0.3, 0.05, 10), (0.1, 0.2, 3), (8 / 255, 2 / 255, 7), (0.3, 0.1, 0)]
)
def test_it_equals_the_plain_reference(epsilon: float, step_size: float, steps: int) -> None:
    torch.manual_seed(0)
    model = MultiTaskLeNet((1, 8, 8), (10, 2), width=2).double().eval()
    images = torch.rand(6, 1, 8, 8, dtype=torch.float64).round(decimals=1)  # some pixels at 0 and 1
    labels = torch.arange(6)

    def loss_of(adversarial: Tensor) -> Tensor:
        return F.cross_entropy(model(adversarial)[0], labels, reduction="sum")

    def loss_of_one(adversarial: Tensor, index: int) -> Tensor:
        return F.cross_entropy(model(adversarial)[0], labels[index : index + 1])

    fast = pgd(
        loss_of, images, epsilon, step_size, steps, random_start=True, generator=torch.Generator().manual_seed(5)
    )
    noise = torch.rand(images.shape, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    torch.testing.assert_close(
        fast, reference(loss_of_one, images, epsilon, step_size, steps, noise), rtol=0, atol=1e-12
    )


@settings(max_examples=40, deadline=None)
@given(
    epsilon=st.floats(0, 1),
    step_size=st.floats(0, 1),
    steps=st.integers(0, 4),
    random_start=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_it_stays_in_its_ball(epsilon: float, step_size: float, steps: int, random_start: bool, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(3, 2, 4, 4, generator=generator).mul(1.4).sub(0.2).clamp(0, 1)
    weights = torch.randn(3, 2, 4, 4, generator=generator)
    adversarial = pgd(
        lambda x: (weights * x.sin()).sum(),
        images,
        epsilon,
        step_size,
        steps,
        random_start=random_start,
        generator=generator,
    )
    assert (adversarial - images).abs().max() <= epsilon + 1e-6
    assert adversarial.min() >= 0
    assert adversarial.max() <= 1
    assert not adversarial.requires_grad


def test_without_a_gradient_it_stands_still() -> None:
    images = torch.full((2, 1, 4, 4), 0.5)
    adversarial = pgd(lambda x: (x * 0).sum(), images, 0.3, 0.1, 5, random_start=False)
    assert torch.equal(adversarial, images), "sign(0) is 0"


def test_the_last_iterate_is_returned_even_if_an_earlier_one_was_worse() -> None:
    images = torch.full((1, 1, 1, 1), 0.5)

    def hill(x: Tensor) -> Tensor:
        return -((x - 0.6) ** 2).sum()

    adversarial = pgd(hill, images, epsilon=0.5, step_size=0.08, steps=3, random_start=False)
    assert adversarial.item() == pytest.approx(0.58)  # 0.58, 0.66, 0.58


def test_random_starts_come_from_the_generator_alone() -> None:
    images = torch.full((4, 1, 4, 4), 0.5)

    def start(seed: int) -> Tensor:
        return pgd(torch.sum, images, 0.2, 0.1, 0, random_start=True, generator=torch.Generator().manual_seed(seed))

    before = torch.get_rng_state()
    assert torch.equal(start(1), start(1))
    assert not torch.equal(start(1), start(2))
    assert torch.equal(torch.get_rng_state(), before), "the global generator was moved"


def test_a_frozen_model_gets_its_own_state_back() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(), nn.BatchNorm1d(2))
    model[1].eval()
    model[0].bias.requires_grad_(False)
    with frozen(model) as inside:
        assert not any(module.training for module in inside.modules())
        assert not any(parameter.requires_grad for parameter in inside.parameters())
    assert [model.training, model[0].training, model[1].training, model[2].training] == [True, True, False, True]
    assert [p.requires_grad for p in model.parameters()] == [True, False, True, True]
    with pytest.raises(KeyError), frozen(model):
        raise KeyError
    assert model.training
    assert model[0].weight.requires_grad


def test_an_attack_leaves_no_gradients_and_no_statistics_behind() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 4), nn.BatchNorm1d(4))
    statistics = model[2].running_mean.clone()
    with frozen(model):
        pgd(lambda x: model(x).sum(), torch.rand(8, 1, 4, 4), 0.1, 0.05, 3, random_start=False)
    assert all(parameter.grad is None for parameter in model.parameters())
    assert torch.equal(model[2].running_mean, statistics)
