"""How far apart the classes of a dataset are: S3's equation 8, and further measures."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.datasets.dataset import Split
from trainables.datasets.stats.distances import Pairs, mean_distances, measure_pairs
from trainables.datasets.stats.largest import nearest_by_largest
from trainables.datasets.stats.sample import Drawn, draw
from trainables.datasets.stats.scatter import fisher_ratio

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95)
PER_CLASS = 500
EPSILON = 8 / 255


@dataclass(frozen=True)
class Spread:
    """Mean and quantiles of the distances of `n` images, each to the nearest image of another class."""

    n: int
    mean: float
    quantiles: dict[str, float]
    """`q0`, `q5`, … in per cent."""

    @classmethod
    def of(cls, values: Tensor) -> Spread:
        points = torch.tensor(QUANTILES, dtype=torch.float64)
        quantiles = torch.quantile(values[torch.isfinite(values)], points).tolist()
        names = [f"q{round(100 * point)}" for point in QUANTILES]
        return cls(len(values), float(values.mean()), dict(zip(names, quantiles, strict=True)))


@dataclass(frozen=True)
class Separation:
    """Statistics of a sample on [0, 1] pixels; S3's "variance" is a distance (methods.md, 1.5)."""

    images: int
    classes: int
    dimensions: int
    per_class: int | None
    seed: int
    inter: float
    """Mean over pairs of classes of the mean L2 distance between their images (S3, eq. 8)."""
    intra: float | None
    """Mean over classes of the mean L2 distance between their distinct images; None if no class has two."""
    fisher: float | None
    nearest_l2: Spread
    nearest_linf: Spread
    epsilon: float
    within_two_epsilon: float
    """Share of images whose nearest image of another class is so near in L∞ that the ε-balls of both meet."""

    @property
    def inter_per_root_dimension(self) -> float:
        """Eq. 8 over √d, which doesn't depend on the size of images."""
        return self.inter / math.sqrt(self.dimensions)

    @property
    def ratio(self) -> float | None:
        """Inter over intra: above 1 if classes are further apart than images of a class."""
        return self.inter / self.intra if self.intra else None


def measure_separation(
    split: Split, per_class: int | None = PER_CLASS, seed: int = 0, epsilon: float = EPSILON
) -> Separation | None:
    """All statistics of at most `per_class` random images of each class, drawn with `seed`; None takes all.

    `epsilon`: the radius of an attack in L∞ on [0, 1] pixels. None when fewer than two classes have images.
    """
    sample = draw(split, per_class, seed)
    if len(sample.counts) < 2:
        return None
    pairs = measure_pairs(sample)
    largest = nearest_by_largest(sample, seed).distances
    return Separation(
        images=len(sample),
        classes=len(sample.counts),
        dimensions=sample.dimensions,
        per_class=per_class,
        seed=seed,
        inter=_inter(sample, pairs),
        intra=_intra(sample, pairs),
        fisher=fisher_ratio(sample),
        nearest_l2=Spread.of(pairs.nearest),
        nearest_linf=Spread.of(largest),
        epsilon=epsilon,
        # differences are whole grey levels, and 2 · 8/255 must reach 16 of them with any rounding
        within_two_epsilon=float((largest <= 2 * epsilon + 1e-9).to(torch.float64).mean()),
    )


def inter_class_variance(split: Split, per_class: int | None = PER_CLASS, seed: int = 0) -> float | None:
    """Eq. 8 alone; None when fewer than two classes have images."""
    sample = draw(split, per_class, seed)
    return _inter(sample, measure_pairs(sample)) if len(sample.counts) > 1 else None


def _inter(sample: Drawn, pairs: Pairs) -> float:
    means = mean_distances(sample, pairs)
    # the distance is symmetric, so unordered pairs of classes have the same mean as the equation's ordered ones
    return float(means[torch.ones_like(means).triu(1).bool()].mean())


def _intra(sample: Drawn, pairs: Pairs) -> float | None:
    counts = sample.counts.to(torch.float64)
    several = counts > 1
    means = pairs.sums.diag()[several] / (counts * (counts - 1))[several]
    return float(means.mean()) if len(means) else None
