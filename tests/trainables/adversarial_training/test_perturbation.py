"""STA, MTA and MP: weights that sum to one, perturbations within ε, and what they have in common."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from trainables.adversarial_training.config import Config
from trainables.adversarial_training.perturbation import Perturber, mixing_weights, sum_of_losses
from trainables.models.lenet import MultiTaskLeNet

TASKS = ["odd_even", "prime_composite"]


def make_config(**given: Any) -> Config:
    return Config.model_validate({"tasks": TASKS, "epsilon": 0.2, "step_size": 0.05, "steps": 3, **given})


def batch(seed: int = 0) -> tuple[Any, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = MultiTaskLeNet((1, 8, 8), (10, 2, 2), width=1)
    images = torch.rand(6, 1, 8, 8, generator=generator)
    labels = torch.stack([torch.randint(0, k, (6,), generator=generator) for k in (10, 2, 2)], dim=1)
    return model, images, labels


@settings(max_examples=60, deadline=None)
@given(
    low=st.floats(0, 1),
    width=st.floats(0, 1),
    auxiliary=st.integers(1, 5),
    split=st.sampled_from(["uniform_split", "dirichlet", "equal"]),
    seed=st.integers(0, 2**32),
)
def test_mixing_weights_sum_to_one(low: float, width: float, auxiliary: int, split: str, seed: int) -> None:
    high = min(1.0, low + width)
    config = make_config(perturbation="mp", alpha0_min=low, alpha0_max=high, alpha_split=split)
    weights = mixing_weights(config, auxiliary, torch.Generator().manual_seed(seed))
    assert weights.shape == (1 + auxiliary,)
    assert float(weights.sum()) == pytest.approx(1, abs=1e-12)
    assert (weights >= 0).all()
    assert low - 1e-12 <= float(weights[0]) <= high + 1e-12


def test_alpha0_is_uniform_between_its_bounds_and_the_rest_is_shared() -> None:
    config = make_config(perturbation="mp", alpha0_min=0.6, alpha0_max=0.9, alpha_split="dirichlet")
    generator = torch.Generator().manual_seed(0)
    drawn = torch.stack([mixing_weights(config, 2, generator) for _ in range(4000)])
    assert float(drawn[:, 0].mean()) == pytest.approx(0.75, abs=0.005)
    assert float(drawn[:, 0].std()) == pytest.approx(0.3 / 12**0.5, abs=0.005)
    share = drawn[:, 1] / (1 - drawn[:, 0])
    assert float(share.mean()) == pytest.approx(0.5, abs=0.02)
    assert float(share.std()) == pytest.approx(1 / 12**0.5, abs=0.01)  # a flat Dirichlet of two is uniform
    equal = mixing_weights(make_config(perturbation="mp", alpha_split="equal"), 2, generator)
    assert float(equal[1]) == float(equal[2])


@settings(max_examples=25, deadline=None)
@given(
    kind=st.sampled_from(["sta", "mta", "mp"]),
    epsilon=st.floats(0, 1),
    step_size=st.floats(0, 1),
    steps=st.integers(0, 3),
    seed=st.integers(0, 1000),
)
def test_every_perturbation_stays_in_its_ball(
    kind: str, epsilon: float, step_size: float, steps: int, seed: int
) -> None:
    model, images, labels = batch(seed)
    config = make_config(perturbation=kind, epsilon=epsilon, step_size=step_size, steps=steps)
    eta = Perturber(config, seed, epoch=0)(model, images, labels, epsilon)
    assert eta.abs().max() <= epsilon + 1e-6
    assert (images + eta).min() >= -1e-6
    assert (images + eta).max() <= 1 + 1e-6
    assert model.training
    assert all(parameter.grad is None and parameter.requires_grad for parameter in model.parameters())


def test_mp_with_all_weight_on_the_main_task_is_sta() -> None:
    model, images, labels = batch()
    mixed = make_config(perturbation="mp", alpha0_min=1.0, alpha0_max=1.0)
    sta = make_config(perturbation="sta")
    one, other = (Perturber(config, 7, 2)(model, images, labels, 0.2) for config in (mixed, sta))
    torch.testing.assert_close(one, other)


def test_mp_is_the_weighted_sum_of_each_tasks_own_perturbation() -> None:
    model, images, labels = batch()
    config = make_config(perturbation="mp", alpha0_min=0.7, alpha0_max=0.7, alpha_split="equal")
    mixed = Perturber(config, 3, 0)(model, images, labels, 0.2)
    alone = Perturber(config, 3, 0)
    etas = [alone._attack(model.eval(), images, labels, [m], m, 0.2) for m in range(3)]
    torch.testing.assert_close(mixed, 0.7 * etas[0] + 0.15 * etas[1] + 0.15 * etas[2])


def test_each_task_starts_from_noise_of_its_own() -> None:
    model, images, labels = batch()
    perturber = Perturber(make_config(perturbation="mp", steps=0), 0, 0)
    one, other = (perturber._attack(model, images, labels, [m], m, 0.2) for m in (0, 1))
    assert not torch.allclose(one, other)


def test_every_epoch_and_seed_has_noise_of_its_own() -> None:
    model, images, labels = batch()
    config = make_config(perturbation="sta", steps=0)
    etas = [Perturber(config, seed, epoch)(model, images, labels, 0.2) for seed, epoch in ((0, 0), (0, 1), (1, 0))]
    assert not torch.allclose(etas[0], etas[1])
    assert not torch.allclose(etas[0], etas[2])


def test_mta_attacks_the_main_task_too() -> None:
    model, images, labels = batch()
    eta = Perturber(make_config(perturbation="mta", random_start=False), 0, 0)(model, images, labels, 0.2)
    point = images.clone().requires_grad_()
    sum_of_losses(model.eval()(point), labels, "sum").backward()
    one_step = make_config(perturbation="mta", random_start=False, steps=1, step_size=0.05)
    first = Perturber(one_step, 0, 0)(model, images, labels, 0.2)
    torch.testing.assert_close(images + first, (images + 0.05 * point.grad.sign()).clamp(0, 1))
    assert float(eta.abs().max()) > 0.05


def test_the_step_shrinks_with_the_budget() -> None:
    model, images, labels = batch()
    images = images * 0.5 + 0.25
    config = make_config(perturbation="sta", steps=1, random_start=False)
    assert Perturber(config, 0, 0)(model, images, labels, 0.1).abs().max().item() == pytest.approx(0.025)


def test_losses_are_summed_over_tasks() -> None:
    logits = (torch.zeros(4, 10), torch.zeros(4, 2))
    labels = torch.zeros(4, 2, dtype=torch.int64)
    assert float(sum_of_losses(logits, labels, "mean")) == pytest.approx(torch.log(torch.tensor(20.0)).item())
    assert float(sum_of_losses(logits, labels, "sum")) == pytest.approx(4 * torch.log(torch.tensor(20.0)).item())
