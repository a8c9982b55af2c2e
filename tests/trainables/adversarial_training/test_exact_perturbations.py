"""Every perturbation of S3 and its controls, on every network, is the one its definition gives, computed plainly.

`-s` shows how exactly. Those of single steps, of KL and of noise have definitions of their own: `test_single_step`.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any, get_args

import pytest
import torch
from torch import Tensor

from tests.support import reference_attacks as reference
from tests.support.small_networks import SMALL_NETWORKS, small_batch, small_network
from trainables.adversarial_training.config import Config
from trainables.adversarial_training.perturbations.mixing import mixing_weights
from trainables.adversarial_training.perturbations.perturber import Perturber
from trainables.adversarial_training.settings.perturbation import Perturbation
from trainables.randomness import stream

EPSILON, STEP, STEPS, SEED, EPOCH = 0.2, 0.05, 6, 3, 1
OF_OTHERS = {"none", "gaussian", "fgsm_rs", "n_fgsm", "kl"}
VARIANTS: list[dict[str, Any]] = [
    *({"perturbation": kind} for kind in get_args(Perturbation) if kind not in OF_OTHERS),
    {"perturbation": "mta", "mta_sum": "auxiliary_tasks"},
    {"perturbation": "mp", "alpha_draw": "sample", "alpha_split": "dirichlet"},
    {"perturbation": "mp", "task_starts": "shared", "alpha_split": "equal"},
    {"perturbation": "mp", "random_start": False, "alpha0_min": 0.0, "alpha0_max": 0.5},
]


def make_config(**given: Any) -> Config:
    tasks = {"a": {"0": 1, "default": 0}, "b": {"0": 1, "1": 2, "default": 0}}
    return Config.model_validate({"tasks": tasks, "epsilon": EPSILON, "step_size": STEP, "steps": STEPS, **given})


def plain(config: Config, model: Any, images: Tensor, labels: Tensor) -> Tensor:
    """η as the definitions read, with the draws that the run's streams give."""

    def draw(purpose: str, task: int, sample: Any) -> Tensor:
        return sample(images.shape, generator=stream(SEED, f"{purpose} {task}", EPOCH), dtype=images.dtype)

    def attack(tasks: list[int], start: int) -> Tensor:
        start = 0 if config.task_starts == "shared" else start
        noise = draw("attack", start, torch.rand) if config.random_start else None
        return reference.pgd(model, images, labels, tasks, EPSILON, STEP, STEPS, noise)

    if config.perturbation == "sta":
        return attack([0], 0)
    if config.perturbation == "mta":
        return attack([0, 1, 2] if config.mta_sum == "all_tasks" else [1, 2], 0)
    etas = [attack([m], m) for m in range(3)]
    draws = len(images) if config.alpha_draw == "sample" else 1
    alphas = mixing_weights(config, 2, stream(SEED, "alpha", EPOCH), draws).tolist()
    mixed = reference.mixed(alphas if draws > 1 else alphas * len(images), etas)
    if config.perturbation.startswith("sta_random_direction"):
        normal = torch.randn(images.shape, generator=stream(SEED, "direction", EPOCH), dtype=images.dtype)
        return reference.turned(mixed, etas[0], normal, images, EPSILON, int(config.perturbation[-1]))
    if config.perturbation == "sta_shrunk":
        return reference.shrunk(etas[0], mixed)
    if config.perturbation == "mp_rescaled":
        return reference.rescaled(mixed, etas[0], images, EPSILON)
    return mixed  # mp_random_labels is mp on other labels


def attack_loss(model: Any, images: Tensor, labels: Tensor) -> float:
    with torch.no_grad():
        return float(reference.loss(model, images, labels, [0, 1, 2]))


@pytest.mark.parametrize("given", VARIANTS, ids=lambda given: "-".join(map(str, given.values())))
@pytest.mark.parametrize("name", SMALL_NETWORKS)
def test_in_float64_it_is_the_plain_one(name: str, given: dict[str, Any]) -> None:
    config, model = make_config(**given), small_network(name).double()
    images, labels = small_batch(name)
    images = images.double()
    found = Perturber(config, SEED, EPOCH)(deepcopy(model), images, labels, EPSILON)
    model.eval()
    wanted = plain(config, model, images, labels)
    print(f"\n{name} {given}: {'bitwise equal' if torch.equal(found, wanted) else (found - wanted).abs().max().item()}")
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-11)
    losses = [attack_loss(model, images + eta, labels) for eta in (found, wanted)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-10)
    assert losses[0] > attack_loss(model, images, labels), "it is an attack"


@pytest.mark.parametrize("kind", ["sta", "mta", "mp"])
@pytest.mark.parametrize("name", SMALL_NETWORKS)
def test_in_float32_it_attacks_as_well(name: str, kind: str) -> None:
    config, model = make_config(perturbation=kind), small_network(name)
    images, labels = small_batch(name, n=20)
    found = Perturber(config, SEED, EPOCH)(deepcopy(model), images, labels, EPSILON)
    model.eval()
    wanted = plain(config, model, images, labels)
    losses = [attack_loss(model.double(), (images + eta).double(), labels) for eta in (found, wanted)]
    signs = [reference.gradient(model, (images + eta).double(), labels, [0]).sign() for eta in (found, wanted)]
    print(
        f"\n{name} {kind}: attack loss {losses[0]:.6f} against {losses[1]:.6f}, "
        f"pixels that differ {((found - wanted).abs() > 1e-6).float().mean():.2e}, "
        f"gradient signs there {(signs[0] != signs[1]).float().mean():.2e}"
    )
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
