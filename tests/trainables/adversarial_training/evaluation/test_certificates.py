"""Certificates of smoothed classifiers: the bound by statsmodels, the radius by its formula, abstentions, and truth."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import norm
from statsmodels.stats.proportion import proportion_confint
from torch import Tensor

from trainables import adversarial_training
from trainables.adversarial_training.evaluation.certificates import ABSTAINED, certificate_of, certify, count_classes
from trainables.contract import InProcessRun, resolve
from trainables.randomness import stream

SMALL = {
    "perturbation": "gaussian",
    "noise_sigma": 0.25,
    "epochs": 6,
    "width": 2,
    "attack_steps": 2,
    "attacks": "pgd",
    "test_size": 40,
    "analyses": ["certification"],
    "certification_images": 25,
    "certification_draws": 200,
}


@pytest.mark.parametrize(("agreeing", "counting"), [(1000, 1000), (990, 1000), (700, 1000), (100, 100)])
@pytest.mark.parametrize("alpha", [0.001, 0.05])
def test_the_radius_rests_on_clopper_and_pearsons_lower_bound(agreeing: int, counting: int, alpha: float) -> None:
    certificate = certificate_of(3, agreeing, counting, 0.5, alpha)
    low, _ = proportion_confint(agreeing, counting, alpha=2 * alpha, method="beta")
    assert certificate.label == 3
    assert certificate.radius == pytest.approx(0.5 * norm.ppf(low), rel=1e-9)


def test_the_largest_radius_of_so_many_draws_is_the_known_one() -> None:
    """σ Φ⁻¹(α^(1/n)): 0.25 with 100,000 draws certifies .95 at most, as in Cohen et al.'s figures."""
    certificate = certificate_of(0, 100_000, 100_000, 0.25, 0.001)
    assert certificate.radius == pytest.approx(0.25 * norm.ppf(0.001 ** (1 / 100_000)), rel=1e-9)
    assert 0.9 < certificate.radius < 1.0


@pytest.mark.parametrize("agreeing", [0, 500, 530])
def test_what_may_be_no_majority_abstains(agreeing: int) -> None:
    certificate = certificate_of(3, agreeing, 1000, 0.5, 0.001)
    assert (certificate.label, certificate.radius) == (ABSTAINED, 0.0)


def half_space(images: Tensor) -> Tensor:
    """A linear classifier whose smoothed version is itself, with the distance to its plane as the true radius."""
    position = images.flatten(1)[:, 0] - 0.5
    return torch.stack([-position, position], dim=1)


def test_a_linear_classifiers_certificate_is_its_distance_from_above_never() -> None:
    """Of 200 independent certificates at α = 0.05 hardly one is too large, and they come close."""
    image = torch.full((1, 2, 2), 0.5)
    image[0, 0, 0] = 0.75
    certificates = [
        certify(half_space, image, 0.25, choosing=20, counting=2_000, alpha=0.05, number=number)
        for number in range(200)
    ]
    radii = np.array([one.radius for one in certificates])
    assert {one.label for one in certificates} == {1}
    assert int((radii > 0.25).sum()) <= 20, "a share of 5 % may be too large"
    assert 0.22 < float(np.median(radii)) < 0.25


def test_counts_are_of_the_images_own_noise_and_in_parts_as_drawn() -> None:
    image = torch.full((1, 2, 2), 0.55)
    seen: list[Tensor] = []

    def remember(images: Tensor) -> Tensor:
        seen.append(images)
        return half_space(images)

    counts = count_classes(remember, image, 0.25, 1_200, stream(0, "test"))
    assert int(counts.sum()) == 1_200
    assert [len(part) for part in seen] == [500, 500, 200]
    noise = torch.cat(seen) - image
    assert float(noise.std()) == pytest.approx(0.25, rel=0.03)
    expected = 1_200 * norm.cdf(0.05 / 0.25)
    assert float(counts[1]) == pytest.approx(expected, abs=4 * math.sqrt(1_200 / 4))


@pytest.fixture(scope="module")
def trained() -> tuple[Any, Any]:
    settings = resolve(adversarial_training, SMALL).config
    *_, last = adversarial_training.train(settings, InProcessRun())
    return settings, last.state


def test_a_network_trained_on_noise_is_certified_in_its_test(trained: tuple[Any, Any]) -> None:
    settings, state = trained
    report = adversarial_training.evaluate(settings, state, InProcessRun())
    accuracies = [report.metrics[f"test/certified_accuracy.l2_{radius}"] for radius in ("0", "0.25", "0.5", "1")]
    assert accuracies == sorted(accuracies, reverse=True)
    assert accuracies[0] > 0.5
    assert accuracies[1] > 0.2
    assert report.metrics["test/certified_images"] == 25
    assert 0 <= report.metrics["test/abstentions"] < 0.5
    radii, classes = report.arrays["certified_radius"], report.arrays["smoothed_class"]
    assert np.isnan(radii).tolist() == [False] * 25 + [True] * 15
    right = (classes == report.arrays["labels"])[:25]
    assert accuracies[1] == pytest.approx(float((right & (radii[:25] >= 0.25)).mean()))
    assert report.metrics["test/certified_radius"] == pytest.approx(float(radii[:25][right].mean()))
    again = adversarial_training.evaluate(settings, state, InProcessRun())
    assert np.array_equal(again.arrays["certified_radius"], radii, equal_nan=True)
    assert "test/robust_accuracy.worst_case" in report.metrics, "reported apart"


def test_fewer_images_have_the_same_certificates(trained: tuple[Any, Any]) -> None:
    settings, state = trained
    fewer = settings.model_copy(update={"certification_images": 7})
    both = [adversarial_training.evaluate(one, state, InProcessRun()).arrays for one in (settings, fewer)]
    assert np.array_equal(both[0]["certified_radius"][:7], both[1]["certified_radius"][:7])


def test_a_larger_deviation_may_be_certified_by(trained: tuple[Any, Any]) -> None:
    settings, state = trained
    wider = settings.model_copy(update={"certification_sigma": 0.5})
    radii = [
        np.nanmax(adversarial_training.evaluate(one, state, InProcessRun()).arrays["certified_radius"])
        for one in (settings, wider)
    ]
    assert radii[0] <= 0.25 * norm.ppf(0.001 ** (1 / 200)) + 1e-9
    assert radii[1] > radii[0]
