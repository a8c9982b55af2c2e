"""Our metrics of attributions against Quantus, which is a development extra (LGPL) and imported here alone."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from trainables.interpretability.attributions import attribute
from trainables.interpretability.quality.conciseness import complexity, sparseness
from trainables.interpretability.quality.imputation import imputed
from trainables.interpretability.quality.localisation import mask_mass, mask_rank, pointing_game
from trainables.interpretability.quality.rank_correlation import spearman
from trainables.interpretability.quality.removal import order_of, probabilities_along
from trainables.interpretability.quality.stability import perturbed, stability

quantus = pytest.importorskip("quantus", reason="quantus isn't installed; pip install 'saddle[dev-full]'")
perturb_func = pytest.importorskip("quantus.functions.perturb_func")
similarity_func = pytest.importorskip("quantus.functions.similarity_func")

RADIUS, SEED = 0.05, 3
QUIET: Any = {"disable_warnings": True, "display_progressbar": False}


@pytest.fixture(autouse=True)
def without_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.fixture(scope="module")
def network() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(4 * 16, 5)
    ).eval()


@pytest.fixture(scope="module")
def images() -> Tensor:
    return 0.2 + 0.6 * torch.rand(6, 1, 8, 8, generator=torch.Generator().manual_seed(2))


@pytest.fixture(scope="module")
def classes(network: nn.Module, images: Tensor) -> Tensor:
    return network(images).argmax(1)


@pytest.fixture(scope="module")
def maps(network: nn.Module, images: Tensor, classes: Tensor) -> Tensor:
    return attribute("gradient", network, images, classes)


def judged(metric: Any, network: nn.Module, images: Tensor, classes: Tensor, maps: Tensor, **more: Any) -> Any:
    """The scores that Quantus gives these maps."""
    return metric(
        model=network, x_batch=images.numpy(), y_batch=classes.numpy(), a_batch=maps[:, None].numpy().copy(),
        device="cpu", channel_first=True, **more,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["Sparseness", "Complexity"])
def test_conciseness(name: str, network: nn.Module, images: Tensor, classes: Tensor, maps: Tensor) -> None:
    theirs = judged(getattr(quantus, name)(abs=True, normalise=True, **QUIET), network, images, classes, maps)
    ours = {"Sparseness": sparseness, "Complexity": complexity}[name](maps)
    assert ours.tolist() == pytest.approx([float(one) for one in theirs], abs=1e-5)


@pytest.mark.parametrize(
    ("name", "ours"),
    [("RelevanceRankAccuracy", mask_rank), ("RelevanceMassAccuracy", mask_mass), ("PointingGame", pointing_game)],
)
def test_localisation(name: str, ours: Any, network: nn.Module, images: Tensor, classes: Tensor, maps: Tensor) -> None:
    masks = torch.rand(len(images), 8, 8, generator=torch.Generator().manual_seed(4)) < 0.3
    metric = getattr(quantus, name)(abs=True, normalise=True, **QUIET)
    theirs = judged(metric, network, images, classes, maps, s_batch=masks[:, None].numpy())
    assert ours(maps, masks).tolist() == pytest.approx([float(one) for one in theirs], abs=1e-5)


class OurNoise:
    """Gives Quantus the perturbations that our own metrics draw, one a call."""

    def __init__(self, images: Tensor, draws: int) -> None:
        self.shape, self.noisy = images.shape, list(perturbed(images, RADIUS, SEED, draws))

    def __call__(self, arr: Any, indices: Any, **rest: Any) -> Any:
        return self.noisy.pop(0).reshape(arr.shape).numpy().copy()


def explained_by_us(model: Any, inputs: Any, targets: Any, **rest: Any) -> Any:
    pixels, classes = torch.from_numpy(np.asarray(inputs)).float(), torch.as_tensor(targets)
    return attribute("gradient", model, pixels, classes)[:, None].numpy()


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("MaxSensitivity", "largest"),
        ("AvgSensitivity", "average"),
        ("RelativeInputStability", "relative_input"),
        ("RelativeOutputStability", "relative_output"),
    ],
)
def test_stability(name: str, ours: str, network: nn.Module, images: Tensor, classes: Tensor, maps: Tensor) -> None:
    draws = 4
    found = stability(
        lambda noisy: attribute("gradient", network, noisy, classes),
        lambda pixels: network(pixels).detach(), images, maps, RADIUS, seed=SEED, draws=draws,
    )  # fmt: skip
    settings: Any = {"nr_samples": draws, "abs": False, "normalise": False, **QUIET}
    if name.startswith("Relative"):
        settings["return_nan_when_prediction_changes"] = False
        assert [network(noisy).argmax(1).tolist() for noisy in perturbed(images, RADIUS, SEED, draws)] == [
            classes.tolist()
        ] * draws, "the case is one in which no prediction changes"
    metric = getattr(quantus, name)(perturb_func=OurNoise(images, draws), **settings)
    theirs = judged(metric, network, images, classes, maps, explain_func=explained_by_us, batch_size=len(images))
    assert getattr(found, ours).tolist() == pytest.approx([float(one) for one in theirs], rel=1e-3)


def test_ranks_are_correlated_alike(maps: Tensor) -> None:
    other = maps.flip(1) + 0.3 * maps
    theirs = [
        float(similarity_func.correlation_spearman(one.abs().flatten().numpy(), two.abs().flatten().numpy()))
        for one, two in zip(maps, other, strict=True)
    ]
    assert spearman(maps, other).tolist() == pytest.approx(theirs, abs=1e-6)


def test_imputation_is_that_of_road(images: Tensor) -> None:
    removed = torch.rand(len(images), 8, 8, generator=torch.Generator().manual_seed(5)).flatten(1).argsort(1) < 25
    removed = removed.reshape(-1, 8, 8)
    ours = imputed(images, removed, noise=0.0)
    for image, gone, filled in zip(images, removed, ours, strict=True):
        theirs = perturb_func.noisy_linear_imputation(
            image.numpy().copy(), np.flatnonzero(gone.flatten().numpy()), noise=0.0
        )
        assert filled.numpy() == pytest.approx(np.asarray(theirs).reshape(1, 8, 8), abs=1e-5)


def test_a_curve_of_deletion_is_that_of_pixel_flipping(
    network: nn.Module, images: Tensor, classes: Tensor, maps: Tensor
) -> None:
    step = 8
    metric = quantus.PixelFlipping(
        features_in_step=step, perturb_baseline=0.5, abs=True, normalise=False, return_auc_per_sample=False, **QUIET
    )
    theirs = judged(metric, network, images, classes, maps, softmax=True)

    def probability(pixels: Tensor) -> Tensor:
        return network(pixels).detach().softmax(1).gather(1, classes[:, None])[:, 0]

    counts = torch.arange(step, 65, step)
    ours = probabilities_along(probability, torch.full_like(images, 0.5), images, order_of(maps), counts)
    assert ours.T.numpy() == pytest.approx(np.array([list(map(float, curve)) for curve in theirs]), abs=1e-5)
