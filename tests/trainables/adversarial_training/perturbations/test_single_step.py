"""FGSM-RS, N-FGSM, the noise of smoothing and TRADES' inner maximisation, each written out step by step."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.support.reference_attacks import gradient
from tests.support.small_networks import small_batch, small_network
from trainables.adversarial_training.config import Config
from trainables.adversarial_training.perturbations.perturber import Perturber
from trainables.randomness import stream

EPSILON = 0.1


def make_config(**given: Any) -> Config:
    return Config.model_validate({"epsilon": EPSILON, "step_size": 0.04, "steps": 3, **given})


def grey_batch() -> tuple[Any, Tensor, Tensor]:
    """A network, and images that [0, 1] cuts nothing off, with labels."""
    images, labels = small_batch("lenet", n=6, classes=(10,))
    return small_network("lenet", classes=(10,)), 0.4 + 0.2 * images, labels


def perturbed(config: Config, images: Tensor | None = None) -> Tensor:
    model, grey, labels = grey_batch()
    return Perturber(config, 5, 2)(model, grey if images is None else images, labels, EPSILON)


def uniform(images: Tensor) -> Tensor:
    """The start of the main task's attack in [-1, 1]."""
    return 2 * torch.rand(images.shape, generator=stream(5, "attack 0", 2)) - 1


def sign_at(points: Tensor) -> Tensor:
    model, _, labels = grey_batch()
    return gradient(model.eval(), points, labels, [0]).sign()


def test_fgsm_rs_steps_from_a_point_of_the_box_and_back_into_it() -> None:
    _, images, _ = grey_batch()
    start = EPSILON * uniform(images)
    expected = (start + 1.25 * EPSILON * sign_at(images + start)).clamp(-EPSILON, EPSILON)
    torch.testing.assert_close(perturbed(make_config(perturbation="fgsm_rs")), expected)


def test_n_fgsm_steps_from_larger_noise_and_is_not_clipped() -> None:
    _, images, _ = grey_batch()
    start = 2 * EPSILON * uniform(images)
    expected = start + EPSILON * sign_at(images + start)
    eta = perturbed(make_config(perturbation="n_fgsm"))
    torch.testing.assert_close(eta, expected)
    assert 2 * EPSILON < float(eta.abs().max()) <= 3 * EPSILON + 1e-6
    assert float((eta.abs() > EPSILON).double().mean()) > 0.3, "clipped to ε"


def test_n_fgsm_keeps_to_pixels() -> None:
    _, grey, _ = grey_batch()
    images = (grey - 0.4) * 5  # 0 and 1 among them
    eta = perturbed(make_config(perturbation="n_fgsm"), images)
    assert float((images + eta).min()) >= 0
    assert float((images + eta).max()) <= 1 + 1e-6


@pytest.mark.parametrize("kind", ["fgsm_rs", "n_fgsm"])
def test_without_a_random_start_both_are_fgsm(kind: str) -> None:
    _, images, _ = grey_batch()
    eta = perturbed(make_config(perturbation=kind, random_start=False, single_step_size=1.0))
    torch.testing.assert_close(eta, EPSILON * sign_at(images))


def test_the_step_and_the_noise_are_what_a_study_says() -> None:
    _, images, _ = grey_batch()
    start = 0.5 * EPSILON * uniform(images)
    eta = perturbed(make_config(perturbation="n_fgsm", n_fgsm_noise=0.5, single_step_size=0.3))
    torch.testing.assert_close(eta, start + 0.3 * EPSILON * sign_at(images + start))


def test_gaussian_noise_has_its_deviation_whatever_epsilon() -> None:
    model, labels = small_network("lenet", classes=(10,)), torch.zeros(200, 1, dtype=torch.int64)
    eta = Perturber(make_config(perturbation="gaussian", noise_sigma=0.5), 5, 2)(
        model, torch.rand(200, 1, 8, 8), labels, EPSILON
    )
    assert float(eta.std()) == pytest.approx(0.5, rel=0.02)
    assert float(eta.mean()) == pytest.approx(0, abs=0.02)


def test_kl_raises_the_divergence_from_the_clean_prediction() -> None:
    """Its iterates are those of a loop written out with autograd, in float64: float32 turns signs of gradients."""
    model, images, labels = grey_batch()
    model, images = model.double(), images.double()
    config = make_config(perturbation="kl")
    normal = torch.randn(images.shape, generator=stream(5, "direction", 2), dtype=torch.float64)
    eta = Perturber(config, 5, 2)(model, images, labels, EPSILON)
    model.eval()
    clean = model(images)[0].softmax(1).detach()
    point = images + 0.001 * normal
    for _ in range(3):
        point = point.detach().requires_grad_()
        logs = model(point)[0].log_softmax(1)
        (clean * (clean.log() - logs)).sum().backward(inputs=[point])
        stepped = point.detach() + 0.04 * point.grad.sign()  # type: ignore[union-attr]
        point = torch.minimum(torch.maximum(stepped, images - EPSILON), images + EPSILON).clamp(0, 1)
    torch.testing.assert_close(images + eta, point)
    near, far = ((F.kl_div(model(images + e)[0].log_softmax(1), clean, reduction="sum")) for e in (0.01 * normal, eta))
    assert far > 2 * near
