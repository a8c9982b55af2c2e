"""The Fréchet distance between the features of real and of generated images (Heusel et al. 2017; S1, Tables 1, 3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from trainables.evaluation.features import FeatureExtractor, of_classifier
from trainables.evaluation.inception import inception

__all__ = ["Compared", "FeatureExtractor", "FrechetDistance", "compared_sets", "frechet_distance", "inception"]
__all__ += ["of_classifier"]


@dataclass(frozen=True)
class FrechetDistance:
    """A squared Fréchet distance, with what makes it comparable; `note`: why to doubt it, or empty."""

    value: float
    n_real: int
    n_generated: int
    dimensions: int
    note: str


class Compared(NamedTuple):
    """Two sets of images, or of their features, (N, …) and (M, …)."""

    real: Tensor
    generated: Tensor


def compared_sets(
    real: Tensor, labels: Tensor, counterfactuals: Tensor
) -> Mapping[Literal["full", "undamaged", "damaged"], Compared]:
    """S1's three comparisons (A.2): of all images, and of each class with the counterfactuals from the other one.

    `real`, `counterfactuals`: (N, …), images or features, counterfactual i made from image i; `labels`: (N,), 1 =
    damaged. "full" has images together with their own near-copies, so the other two are the main results.
    """
    if not len(real) == len(labels) == len(counterfactuals):
        raise ValueError(f"{len(real)} images, {len(labels)} labels and {len(counterfactuals)} counterfactuals")
    damaged = labels == 1
    return {
        "full": Compared(real, counterfactuals),
        "undamaged": Compared(real[~damaged], counterfactuals[damaged]),
        "damaged": Compared(real[damaged], counterfactuals[~damaged]),
    }


def frechet_distance(real: Tensor, generated: Tensor) -> FrechetDistance:
    """||μ₁ - μ₂||² + tr(Σ₁ + Σ₂ - 2 (Σ₁Σ₂)^½) of features (N, F) and (M, F), in float64.

    With Σ = RᵀR the last trace is the nuclear norm of R₁R₂ᵀ: exact also where Σ is singular (fewer images than
    dimensions), and no complex eigenvalue needs to be cut off. Raises `ValueError` below two images a set.
    """
    if real.ndim != 2 or generated.ndim != 2 or real.shape[1] != generated.shape[1]:
        raise ValueError(f"features are {tuple(real.shape)} and {tuple(generated.shape)}, not (N, F) and (M, F)")
    n, m, dimensions = len(real), len(generated), real.shape[1]
    if min(n, m) < 2:
        raise ValueError(
            f"a covariance needs at least two images in each set; there are {n} real and {m} generated ones"
        )
    mean_real, root_real = _moments(real)
    mean_generated, root_generated = _moments(generated)
    shared = torch.linalg.svdvals(root_real @ root_generated.T).sum()
    spread = root_real.square().sum() + root_generated.square().sum()
    value = (mean_real - mean_generated).square().sum() + spread - 2 * shared
    return FrechetDistance(max(0.0, float(value)), n, m, dimensions, _note(min(n, m), dimensions))


def _moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """The mean (F,) and a root R (min(N, F), F) of the unbiased covariance RᵀR."""
    features = features.double()
    mean = features.mean(0)
    scaled = (features - mean) / (len(features) - 1) ** 0.5
    return mean, torch.linalg.qr(scaled, mode="r").R


def _note(fewest: int, dimensions: int) -> str:
    if fewest > dimensions:
        return ""
    return (
        f"{fewest} images can't fill {dimensions} dimensions: the covariance is singular and the distance biased "
        "upwards; compare it only with others of the same n, or see the kernel distance"
    )
