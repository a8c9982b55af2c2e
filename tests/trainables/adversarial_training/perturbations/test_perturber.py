"""STA, MTA, MP and its controls: weights that sum to one, perturbations within ε, what each control holds fixed."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tests.support.reference_attacks import gradient
from tests.support.small_networks import small_batch, small_network
from trainables.adversarial_training.config import Config
from trainables.adversarial_training.perturbations.controls import rescale, shrink
from trainables.adversarial_training.perturbations.mixing import mix, mixing_weights
from trainables.adversarial_training.perturbations.perturber import Perturber
from trainables.adversarial_training.perturbations.table import KINDS as TABLE
from trainables.models.multi_task import MultiTaskNetwork
from trainables.randomness import Share

TASKS = ["odd_even", "prime_composite"]
KINDS = list(TABLE)
MIXING = [name for name, kind in TABLE.items() if kind.by_s3]
"""MP, what it is compared with, and its controls."""


def make_config(**given: Any) -> Config:
    return Config.model_validate({"tasks": TASKS, "epsilon": 0.2, "step_size": 0.05, "steps": 3, **given})


def batch(seed: int = 0, n: int = 6) -> tuple[MultiTaskNetwork, Tensor, Tensor]:
    classes = (10, 2, 2)
    return small_network("lenet", seed, classes), *small_batch("lenet", seed, n, classes)


def perturbed(config: Config, seed: int = 0, epoch: int = 0) -> Tensor:
    return Perturber(config, seed, epoch)(*batch(), config.epsilon)


def sizes(eta: Tensor) -> Tensor:
    return eta.abs().flatten(1).mean(1)


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
    weights = mixing_weights(config, auxiliary, torch.Generator().manual_seed(seed), draws=4)
    assert weights.shape == (4, 1 + auxiliary)
    assert weights.sum(1).tolist() == pytest.approx([1] * 4, abs=1e-12)
    assert (weights >= 0).all()
    assert low - 1e-12 <= float(weights[:, 0].min())
    assert float(weights[:, 0].max()) <= high + 1e-12


def test_alpha0_is_uniform_between_its_bounds_and_the_rest_is_shared() -> None:
    config = make_config(perturbation="mp", alpha0_min=0.6, alpha0_max=0.9, alpha_split="dirichlet")
    generator = torch.Generator().manual_seed(0)
    drawn = mixing_weights(config, 2, generator, draws=4000)
    assert float(drawn[:, 0].mean()) == pytest.approx(0.75, abs=0.005)
    assert float(drawn[:, 0].std()) == pytest.approx(0.3 / 12**0.5, abs=0.005)
    share = drawn[:, 1] / (1 - drawn[:, 0])
    assert float(share.mean()) == pytest.approx(0.5, abs=0.02)
    assert float(share.std()) == pytest.approx(1 / 12**0.5, abs=0.01)  # a flat Dirichlet of two is uniform
    equal = mixing_weights(make_config(perturbation="mp", alpha_split="equal"), 2, generator, draws=50)
    assert torch.equal(equal[:, 1], equal[:, 2])
    proportional = mixing_weights(make_config(perturbation="mp", alpha_split="uniform_split"), 2, generator, draws=4000)
    share = proportional[:, 1] / (1 - proportional[:, 0])
    assert float(share.mean()) == pytest.approx(0.5, abs=0.02)
    assert float(share.std()) == pytest.approx((3 / 4 - math.log(2)) ** 0.5, abs=0.01)


@settings(max_examples=25, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
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
    if TABLE[kind].within_epsilon:
        assert eta.abs().max() <= epsilon + 1e-6
    if kind != "gaussian":
        assert (images + eta).min() >= -1e-6
        assert (images + eta).max() <= 1 + 1e-6
    assert model.training
    assert all(parameter.grad is None and parameter.requires_grad for parameter in model.parameters())


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("gaussian", "kl")])
@given(seed=st.integers(0, 1000))
@settings(max_examples=5)
def test_without_gradients_nothing_moves(kind: str, seed: int) -> None:
    model, images, labels = batch(seed)
    for head in model.heads:
        torch.nn.init.zeros_(head.weight)
    config = make_config(perturbation=kind, random_start=False)
    assert Perturber(config, seed, epoch=0)(model, images, labels, 0.2).abs().max() == 0


def test_mp_with_all_weight_on_the_main_task_is_sta() -> None:
    mixed = make_config(perturbation="mp", alpha0_min=1.0, alpha0_max=1.0)
    torch.testing.assert_close(perturbed(mixed), perturbed(make_config(perturbation="sta")))


def test_each_image_or_the_whole_batch_draws_its_weights() -> None:
    _, images, _ = batch()
    etas = torch.stack([torch.full_like(images, value) for value in (0.0, 1.0, 1.0)])
    shares = {}
    for draw in ("batch", "sample"):
        perturber = Perturber(make_config(perturbation="mp", alpha_draw=draw), 0, 0)
        mixed = mix(perturber.weights(2, len(images)), etas)
        shares[draw] = {round(value, 6) for value in mixed[:, 0, 0, 0].tolist()}
        assert len(shares[draw]) == (1 if draw == "batch" else len(images))
        assert all(0 <= share <= 0.5 for share in shares[draw]), "1 - α₀"


def test_tasks_start_apart_or_together() -> None:
    model, images, labels = batch()
    for starts, alike in (("independent", False), ("shared", True)):
        perturber = Perturber(make_config(perturbation="mp", steps=0, task_starts=starts), 0, 0)
        etas = perturber.attack(model, images, labels, [[0], [1], [2]], 0.2, len(images))
        assert torch.equal(etas[0], etas[1]) == alike
        assert torch.equal(etas[0], etas[2]) == alike
        sta = perturbed(make_config(perturbation="sta", steps=0))
        assert torch.equal(etas[0], sta), "the main task's start is always the same"


def test_every_epoch_and_seed_has_noise_of_its_own() -> None:
    config = make_config(perturbation="sta", steps=0)
    etas = [perturbed(config, seed, epoch) for seed, epoch in ((0, 0), (0, 1), (1, 0))]
    assert not torch.allclose(etas[0], etas[1])
    assert not torch.allclose(etas[0], etas[2])


@pytest.mark.parametrize(("summed", "tasks"), [("all_tasks", [0, 1, 2]), ("auxiliary_tasks", [1, 2])])
def test_mta_attacks_the_sum_of_all_tasks_or_what_eq_7_prints(summed: str, tasks: list[int]) -> None:
    model, images, labels = batch()
    config = make_config(perturbation="mta", mta_sum=summed, random_start=False, steps=1)
    sign = gradient(model.eval(), images, labels, tasks).sign()
    torch.testing.assert_close(images + perturbed(config), (images + 0.05 * sign).clamp(0, 1))


def test_the_step_shrinks_with_the_budget() -> None:
    model, images, labels = batch()
    images = images * 0.5 + 0.25
    config = make_config(perturbation="sta", steps=1, random_start=False)
    assert Perturber(config, 0, 0)(model, images, labels, 0.1).abs().max().item() == pytest.approx(0.025)


def test_shrunk_sta_has_the_size_of_mp_and_the_direction_of_sta() -> None:
    sta, mp, shrunk = (perturbed(make_config(perturbation=k, alpha0_max=0.6)) for k in ("sta", "mp", "sta_shrunk"))
    assert float(shrunk.abs().mean()) == pytest.approx(float(mp.abs().mean()), rel=1e-5)
    assert float(mp.abs().mean()) < 0.95 * float(sta.abs().mean()), "the test would show nothing"
    assert torch.cosine_similarity(shrunk.flatten(), sta.flatten(), dim=0) == pytest.approx(1)
    larger = shrink(sta, 2 * sta, mean=float)
    assert torch.equal(larger, sta), "never beyond STA's own ε"


def test_rescaled_mp_is_mp_times_a_factor_for_each_image() -> None:
    """On grey images, where [0, 1] cuts nothing off."""
    model, images, labels = batch()
    images = 0.25 + 0.5 * images
    made = {}
    for kind in ("sta", "mp", "mp_rescaled"):
        made[kind] = Perturber(make_config(perturbation=kind, alpha0_max=0.6), 0, 0)(model, images, labels, 0.2)
    assert (sizes(made["mp"]) < 0.95 * sizes(made["sta"])).all(), "the test would show nothing"
    assert torch.equal(made["mp_rescaled"].sign(), made["mp"].sign())
    factors = made["mp_rescaled"] / made["mp"]
    free = made["mp_rescaled"].abs() < 0.2 - 1e-4
    for n in range(len(images)):
        torch.testing.assert_close(
            factors[n][free[n]], factors[n][free[n]].median().expand(int(free[n].sum())), rtol=1e-4, atol=0
        )


def test_what_cannot_reach_the_size_is_as_large_as_can_be() -> None:
    images = torch.full((2, 1, 2, 2), 0.5)
    mixed, sta = torch.zeros_like(images), torch.full_like(images, 0.2)
    mixed[0, 0, 0, 0] = 1e-3
    rescaled = rescale(mixed, sta, images, 0.2)
    assert rescaled[0].flatten().tolist() == pytest.approx([0.2, 0, 0, 0])
    assert rescaled[1].abs().max() == 0
    assert torch.equal(rescale(mixed, torch.zeros_like(sta), images, 0.2), torch.zeros_like(sta))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("draw", ["batch", "sample"])
def test_two_ranks_make_what_one_worker_makes(kind: str, draw: str) -> None:
    config = make_config(perturbation=kind, alpha_draw=draw)
    model, images, labels = batch(n=7)
    said: list[list[float]] = []

    def make(share: Share, mean: Any) -> Tensor:
        own = share.of(images)
        return Perturber(config, 5, 2, share, mean)(model, own, share.of(labels), 0.2, len(images))

    def record(value: float) -> float:
        said[-1].append(value)
        return value

    said.append([])
    alone = make(Share(), record)
    for rank in range(2):
        said.append([])
        means = iter([value / 2 for value in said[0]])
        own = make(Share(rank, 2), lambda value, means=means: (record(value), next(means))[1])
        torch.testing.assert_close(own, Share(rank, 2).of(alone))
    assert [sum(values) for values in zip(*said[1:], strict=True)] == pytest.approx(said[0]), "each its own part"
    assert bool(said[0]) == (kind == "sta_shrunk")


def test_controls_attack_every_task() -> None:
    assert {kind for kind in KINDS if TABLE[kind].each_task} == set(MIXING) - {"sta", "mta"}
    model, images, labels = batch()
    passed = []
    trunk = model.trunk
    model.trunk = lambda point: (passed.append(len(point)), trunk(point))[1]  # type: ignore[method-assign]
    for kind in MIXING:
        Perturber(make_config(perturbation=kind, steps=1), 0, 0)(model, images, labels, 0.2)
    assert passed == [len(images) * TABLE[kind].attacks(2) for kind in MIXING]


@pytest.mark.parametrize(
    ("kind", "forward"), [("none", 0), ("gaussian", 0), ("fgsm_rs", 1), ("n_fgsm", 1), ("kl", 1 + 3)]
)
def test_what_a_technique_asks_the_network(kind: str, forward: int) -> None:
    """Forward passes of each image; a step counts one and a clean prediction half of one, having no gradient."""
    model, images, labels = batch()
    passed = []
    trunk = model.trunk
    model.trunk = lambda point: (passed.append(len(point)), trunk(point))[1]  # type: ignore[method-assign]
    Perturber(make_config(perturbation=kind), 0, 0)(model, images, labels, 0.2)
    assert sum(passed) == forward * len(images)
    assert TABLE[kind].steps(3) == (forward - 0.5 if kind == "kl" else forward)
