"""Perturbations of a given size after projection: a larger factor makes up for what the ε-box and [0, 1] cut off.

Vectors here are (N, D) float64, one for each image.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

Norm = Literal["l1", "l2"]
ORDERS: dict[Norm, int] = {"l1": 1, "l2": 2}

ACTIVE_SETS = 32
"""Iterations at most to find which coordinates a factor brings to their limits; PGD's perturbations took up to ten."""
TURNS = 16
"""Corrections of an angle at most, by the secant method; six are enough for most images."""
ANGLE_TOLERANCE = 1e-12
"""Radians; an angle as near as that is not corrected further."""
SIZE_TOLERANCE = 1e-6
"""Relative tolerance of sizes; a perturbation that stays smaller has reached all its limits."""
SLOPES = (0.25, 4.0)
"""How much the angle after projection may grow with the angle before it; bounds the secant."""
NEARER = 0.8
"""Factor for an angle at which the size can't be reached: what `sta` points to reaches its limits sooner."""


def rows(images: Tensor) -> Tensor:
    """Each image as a row of float64, (N, D)."""
    return images.flatten(1).to(torch.float64)


def size_of(eta: Tensor, norm: Norm) -> Tensor:
    """The L1 or L2 norm of each row, (N,)."""
    sizes: Tensor = torch.linalg.vector_norm(eta, ORDERS[norm], dim=1)
    return sizes


def angles(eta: Tensor, other: Tensor) -> Tensor:
    """Angles (N,) in radians between the rows; NaN if one of them is zero."""
    first, second = (vectors / torch.linalg.vector_norm(vectors, dim=1, keepdim=True) for vectors in (eta, other))
    # Kahan's formula: that of the cosine loses half of the digits where the angle is small
    apart, together = (torch.linalg.vector_norm(vectors, dim=1) for vectors in (first - second, first + second))
    return 2 * torch.atan2(apart, together)


def projected_to_size(direction: Tensor, pixels: Tensor, epsilon: float, wanted: Tensor, norm: Norm) -> Tensor:
    """The projection of some multiple of each direction whose `norm` is `wanted` (N,).

    It is within the ε-box, and `pixels` + it in [0, 1]. Where no factor reaches that size, it is as large as possible.
    A factor computed as if no further coordinates would reach their limits falls short of the right one,
    but comes nearer each time: after finitely many iterations it is exact.
    """
    order = ORDERS[norm]
    magnitude = direction.abs()
    limit = torch.where(direction > 0, 1 - pixels, pixels).clamp(0, epsilon)
    limit = torch.where(magnitude > 0, limit, 0)
    target = wanted.unsqueeze(1) ** order
    factor = torch.zeros_like(target)
    for _ in range(ACTIVE_SETS):
        cut = factor * magnitude >= limit
        at_limits = (limit * cut).pow(order).sum(1, keepdim=True)
        free = (magnitude * ~cut).pow(order).sum(1, keepdim=True)
        rest = (target - at_limits).clamp_(min=0)
        reached = (rest / free).pow(1 / order)
        larger = torch.where(free > 0, torch.maximum(factor, reached), torch.inf)
        if torch.equal(larger, factor):
            break
        factor = larger
    # what can't grow is 0 times an infinite factor
    return direction.sign() * torch.minimum(torch.where(magnitude > 0, factor * magnitude, 0), limit)


def in_random_direction(
    mixed: Tensor, sta: Tensor, normal: Tensor, pixels: Tensor, epsilon: float, norm: Norm
) -> Tensor:
    """A perturbation for each image that has, after projection, the `norm` of `mixed` and its angle to `sta`.

    `normal`: standard normal draws, which give a uniform direction across `sta`. The size comes first: the angle is
    as near as possible if both can't be reached. If `sta` is zero there is no angle, and the direction is uniform.
    """
    axis = _unit(sta)
    across = _unit(normal - (normal * axis).sum(1, keepdim=True) * axis)
    size, wanted = size_of(mixed, norm), angles(mixed, sta)
    wanted = torch.where(wanted.isnan(), torch.pi / 2, wanted)
    turn, best, least = wanted, torch.zeros_like(mixed), torch.full_like(wanted, torch.inf)
    before, slope = (wanted, torch.zeros_like(wanted)), torch.ones_like(wanted)
    for _ in range(TURNS):
        direction = turn.cos().unsqueeze(1) * axis + turn.sin().unsqueeze(1) * across
        eta = projected_to_size(direction, pixels, epsilon, size, norm)
        missed = (wanted - angles(eta, sta)).nan_to_num(0)
        short = torch.where(size > 0, 1 - size_of(eta, norm) / size, 0)
        # a short one counts as off by more than any angle
        off = missed.abs() + torch.where(short > SIZE_TOLERANCE, 2 * torch.pi * (1 + short), 0)
        better = (off < least) & (least > ANGLE_TOLERANCE)
        best, least = torch.where(better.unsqueeze(1), eta, best), torch.where(better, off, least)
        if bool((least <= ANGLE_TOLERANCE).all()):
            break
        steepness = (before[1] - missed) / (turn - before[0])
        slope = torch.where(steepness.isfinite(), steepness, slope).clamp(*SLOPES)
        before = turn, missed
        turn = torch.where(short > SIZE_TOLERANCE, turn * NEARER, (turn + missed / slope).clamp(0, torch.pi))
    return best


def _unit(vectors: Tensor) -> Tensor:
    """Each row at length 1; rows of zeros stay."""
    lengths: Tensor = torch.linalg.vector_norm(vectors, dim=1, keepdim=True)
    unit: Tensor = vectors / lengths.clamp_(min=torch.finfo(vectors.dtype).tiny)
    return unit
