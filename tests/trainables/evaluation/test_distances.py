"""Fréchet and kernel distances against closed forms, scipy and torchmetrics; features that say what they are."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.linalg
import torch
from torch import Tensor, nn
from torchmetrics.image.fid import _compute_fid
from torchmetrics.image.kid import poly_mmd

from trainables.evaluation.frechet import compared_sets, frechet_distance, of_classifier
from trainables.evaluation.kernel import kernel_distance


def normal(n: int, dimensions: int, seed: int) -> Tensor:
    return torch.randn(n, dimensions, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def exact(n: int, mean: list[float], deviations: list[float], seed: int) -> Tensor:
    """Features whose sample mean and covariance are the given ones, to rounding."""
    centred = normal(n, len(mean), seed)
    centred = centred - centred.mean(0)
    q, _ = torch.linalg.qr(centred)
    return q * math.sqrt(n - 1) * torch.tensor(deviations) + torch.tensor(mean)


def test_it_equals_the_closed_form_of_diagonal_covariances() -> None:
    real = exact(50, [0.0, 1.0, 2.0], [1.0, 2.0, 3.0], 0)
    generated = exact(70, [3.0, 1.0, 6.0], [2.0, 2.0, 0.5], 1)
    found = frechet_distance(real, generated)
    assert found.value == pytest.approx(9 + 16 + (1 - 2) ** 2 + 0 + (3 - 0.5) ** 2, rel=1e-10)
    assert (found.n_real, found.n_generated, found.dimensions, found.note) == (50, 70, 3, "")


def test_it_equals_scipy_and_torchmetrics_where_covariances_are_full() -> None:
    mix = normal(8, 8, 2)
    real, generated = normal(60, 8, 0) @ mix, normal(40, 8, 1) * 1.5 + 0.3
    moments = [(x.mean(0), torch.cov(x.T)) for x in (real, generated)]
    (mu1, s1), (mu2, s2) = moments
    root = scipy.linalg.sqrtm(s1.numpy() @ s2.numpy())
    by_scipy = float((mu1 - mu2) @ (mu1 - mu2)) + np.trace(s1.numpy() + s2.numpy() - 2 * root.real)
    found = frechet_distance(real, generated).value
    assert found == pytest.approx(by_scipy, rel=1e-9)
    assert found == pytest.approx(float(_compute_fid(mu1, s1, mu2, s2)), rel=1e-9)


def test_fewer_images_than_dimensions_are_exact_and_noted() -> None:
    real, generated = normal(5, 40, 0), normal(7, 40, 1)
    found = frechet_distance(real.float(), generated.float())
    values, vectors = np.linalg.eigh(np.cov(real.float().double().numpy().T))
    root = vectors @ np.diag(np.sqrt(values.clip(0))) @ vectors.T
    second = np.cov(generated.float().double().numpy().T)
    shared = np.sqrt(np.linalg.eigvalsh(root @ second @ root).clip(0)).sum()
    difference = (real.float().double().mean(0) - generated.float().double().mean(0)).square().sum().item()
    assert found.value == pytest.approx(difference + values.sum() + np.trace(second) - 2 * shared, rel=1e-5)
    assert "5 images" in found.note
    assert "40 dimensions" in found.note


def test_a_set_is_at_distance_zero_from_itself_in_any_order() -> None:
    features = normal(30, 6, 0)
    assert frechet_distance(features, features.flip(0)).value == pytest.approx(0, abs=1e-10)


def test_sets_that_have_no_distance_are_refused() -> None:
    with pytest.raises(ValueError, match="two images in each set; there are 1 real"):
        frechet_distance(normal(1, 3, 0), normal(5, 3, 0))
    with pytest.raises(ValueError, match=r"\(5, 3\) and \(5, 4\)"):
        frechet_distance(normal(5, 3, 0), normal(5, 4, 0))
    with pytest.raises(ValueError, match="of 5 images 2 to 5 can"):
        kernel_distance(normal(5, 3, 0), normal(9, 3, 0), subset_size=6)


def test_the_kernel_distance_of_whole_sets_is_the_unbiased_estimate() -> None:
    real, generated = normal(12, 4, 0), normal(12, 4, 1) + 1
    kernel = lambda x, y: (float(x @ y) / 4 + 1) ** 3  # noqa: E731
    n = 12
    same = sum(kernel(x[i], x[j]) for x in (real, generated) for i in range(n) for j in range(n) if i != j) / (
        n * (n - 1)
    )
    cross = sum(kernel(real[i], generated[j]) for i in range(n) for j in range(n)) / n**2
    found = kernel_distance(real, generated, subsets=3, subset_size=12)
    assert found.mean == pytest.approx(same - 2 * cross, rel=1e-10)
    assert found.std == pytest.approx(0, abs=1e-9)


def test_the_kernel_distance_is_seeded_and_unbiased_where_the_frechet_distance_is_not() -> None:
    real, generated = normal(60, 20, 0), normal(60, 20, 1)
    found = kernel_distance(real, generated, seed=3)
    assert found == kernel_distance(real, generated, seed=3)
    assert found.mean != kernel_distance(real, generated, seed=4).mean
    assert (found.subset_size, found.subsets, found.dimensions) == (30, 100, 20)
    assert found.mean == pytest.approx(float(poly_mmd(real, generated)), abs=2 * found.std / math.sqrt(5))
    over_seeds = [kernel_distance(normal(60, 20, s), normal(60, 20, s + 100), subsets=10).mean for s in range(20)]
    assert abs(np.mean(over_seeds)) < 3 * np.std(over_seeds) / math.sqrt(20)
    assert frechet_distance(real, generated).value > 3


def test_the_three_sets_are_those_of_appendix_a2() -> None:
    real, labels = torch.arange(5).float().unsqueeze(1), torch.tensor([0, 1, 1, 0, 1])
    sets = compared_sets(real, labels, real + 10)
    flat = {name: (pair.real.flatten().tolist(), pair.generated.flatten().tolist()) for name, pair in sets.items()}
    assert flat == {
        "full": ([0, 1, 2, 3, 4], [10, 11, 12, 13, 14]),
        "undamaged": ([0, 3], [11, 12, 14]),
        "damaged": ([1, 2, 4], [10, 13]),
    }
    with pytest.raises(ValueError, match="4 counterfactuals"):
        compared_sets(real, labels, real[:4])


class Tiny(nn.Module):
    """A classifier with dropout and batch statistics, both of which evaluation must leave alone."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5))
        self.head = nn.Linear(4, 2)

    def features(self, images: Tensor) -> Tensor:
        return self.body(images).mean((2, 3))

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.features(images))


def test_a_classifiers_features_are_those_of_eval_mode_whatever_the_batch() -> None:
    torch.manual_seed(0)
    model, images = Tiny(), torch.rand(7, 1, 8, 8)
    extractor = of_classifier(model, (1, 8, 8), batch=3)
    found = extractor(images)
    assert model.training
    expected = model.eval().features(images).detach().double()
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)
    assert (found.dtype, extractor.dimensions, extractor.distance) == (torch.float64, 4, "fd")
    assert "8×8" in extractor.resize
    assert extractor(images[:0]).shape == (0, 4)


def test_the_checksum_is_that_of_the_weights() -> None:
    torch.manual_seed(0)
    first, second = Tiny(), Tiny()
    assert of_classifier(first, (1, 8, 8)).checksum != of_classifier(second, (1, 8, 8)).checksum
    second.load_state_dict(first.state_dict())
    assert of_classifier(first, (1, 8, 8)).checksum == of_classifier(second, (1, 8, 8)).checksum


def test_models_and_images_that_have_no_features_are_refused() -> None:
    with pytest.raises(ValueError, match="Linear has no method features"):
        of_classifier(nn.Linear(2, 2), (1, 8, 8))
    unpooled = nn.Module()
    unpooled.features = nn.Conv2d(1, 4, 3)
    with pytest.raises(ValueError, match=r"\(1, 4, 6, 6\) for one image"):
        of_classifier(unpooled, (1, 8, 8))
    with pytest.raises(ValueError, match=r"\(1, 9, 9\), classifier's features are of \(1, 8, 8\)"):
        of_classifier(Tiny(), (1, 8, 8))(torch.rand(2, 1, 9, 9))
