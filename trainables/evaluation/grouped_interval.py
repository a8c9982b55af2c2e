"""An interval for the share of right images that holds if images have groups, such as the frames of one track."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

LEVEL = 0.95


def several_to_a_group(groups: Tensor | None) -> bool:
    """Whether some group has several images: else each image is its own group."""
    return groups is not None and number_of_groups(groups) < len(groups)


def number_of_groups(groups: Tensor) -> int:
    """How many groups there are."""
    return len(set(groups.tolist()))


def grouped_wilson(right: Tensor, groups: Tensor | None = None) -> tuple[float, float]:
    """The Wilson 95 % interval of the mean of `right` (N,) bool, for as many images as they are worth.

    `groups` (N,) int64: images of one group may be similar. Their mean is a ratio estimate of a cluster sample, whose
    variance over G groups is G / (G - 1) Σ (right_g - p n_g)² / N² (Cochran 1977, section 9; Rao and Scott 1992). The
    number of independent images of that variance, at most N and corrected for G - 1 degrees of freedom by (z / t)²,
    replaces N in Wilson's formula (Korn and Graubard 1998; Dean and Pagano 2015). If all or none are right it
    is G, because the variance says nothing. Without groups of several images it is the ordinary Wilson interval.
    Raises `ValueError` without images.
    """
    n = len(right)
    if n == 0:
        raise ValueError("there are no images")
    p = float(right.to(torch.float64).mean())
    worth = _independent_images(right.cpu(), groups.cpu()) if groups is not None and several_to_a_group(groups) else n
    return _wilson(p, worth)


def _independent_images(right: Tensor, groups: Tensor) -> float:
    from scipy.stats import norm, t

    place = torch.from_numpy(np.unique(groups.numpy(), return_inverse=True)[1])
    sizes = torch.bincount(place).to(torch.float64)
    count, n = len(sizes), len(right)
    if count < 2:
        return 1.0
    p = float(right.to(torch.float64).mean())
    if p in (0.0, 1.0):
        return float(count)
    right_in = torch.zeros(count, dtype=torch.float64).index_add_(0, place, right.to(torch.float64))
    variance = count / (count - 1) * float((right_in - p * sizes).square().sum()) / n**2
    tail = (1 + LEVEL) / 2
    few = float(norm.ppf(tail) / t.ppf(tail, count - 1)) ** 2
    return min(float(n), p * (1 - p) / variance if variance > 0 else float(n)) * few


def _wilson(p: float, n: float) -> tuple[float, float]:
    from scipy.stats import norm

    z = float(norm.ppf((1 + LEVEL) / 2))
    centre, width = p + z**2 / (2 * n), z * (p * (1 - p) / n + z**2 / (4 * n**2)) ** 0.5
    low, high = ((centre + sign * width) / (1 + z**2 / n) for sign in (-1, 1))
    return max(0.0, low), min(1.0, high)
