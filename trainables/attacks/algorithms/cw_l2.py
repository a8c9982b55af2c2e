"""Carlini and Wagner's L2 attack (2017): the smallest perturbation that fools a network, of any size."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

FIRST_CONSTANT = 1.0
"""Where the search for the weight c of misclassification begins."""
FACTOR = 10.0
"""Factor by which c grows until it succeeds, or shrinks until it fails; then the geometric mean of both is tried."""
INSIDE = 1 - 1e-4
"""Pixels at 0 and 1 are tanh of ±∞; they start at this share of the way there, so that gradients can move them."""
REACH = 12.0
"""How far Adam can move the tanh variable in all iterations; from 0 or 1 to grey it is about 5."""


@dataclass(frozen=True, eq=False)
class SmallestPerturbation:
    """`adversarial` (N, C, H, W) in [0, 1], and the L2 norms (N,) of what changed.

    An image that is misclassified when clean has norm 0; one that no perturbation fooled has ∞, and stays unchanged.
    """

    adversarial: Tensor
    norms: Tensor


def cw_l2(
    margins_of: Callable[[Tensor, Tensor], Tensor], images: Tensor, *, iterations: int, search_steps: int = 9
) -> SmallestPerturbation:
    """The smallest perturbations of `images` (N, C, H, W) in [0, 1] that misclassify them, with confidence 0.

    `margins_of`: adversarial images (n, C, H, W) and which of the N they are, (n,) → their margins (n, tasks) (see
    `margin`); an image is fooled where the first is positive, and all are raised up to 0. Minimises
    ‖η‖² + c Σ max(0, -margin) by Adam over x̃ = (tanh w + 1) / 2, `iterations` steps for each of `search_steps` values
    of c, which a binary search finds for every image individually. There is no ε and no L∞ bound: the result about
    robustness is the norms.
    """
    images = images.detach()
    norms = torch.full((len(images),), torch.inf, dtype=images.dtype, device=images.device)
    adversarial = images.clone()
    every = torch.arange(len(images), device=images.device)
    with torch.no_grad():
        right = margins_of(images, every)[:, 0] <= 0
    norms[~right] = 0
    which = every[right]
    if not len(which):
        return SmallestPerturbation(adversarial, norms)
    originals = images[which]
    start = torch.atanh((2 * originals - 1) * INSIDE)
    constant = torch.full((len(which),), FIRST_CONSTANT, dtype=images.dtype, device=images.device)
    lower, upper = torch.zeros_like(constant), torch.full_like(constant, torch.inf)
    rate = 2 * REACH / iterations  # a cosine falls from it to 0
    for _ in range(search_steps):
        variable = start.clone().requires_grad_()
        optimizer = torch.optim.Adam([variable], lr=rate)
        # by its second half: Adam's first steps have their full size for any c, and may fool by themselves
        succeeded = torch.zeros_like(which, dtype=torch.bool)
        for iteration in range(iterations):
            optimizer.param_groups[0]["lr"] = rate * (1 + math.cos(math.pi * iteration / iterations)) / 2
            candidate = (torch.tanh(variable) + 1) / 2
            margins = margins_of(candidate, which)
            squares = (candidate - originals).square().flatten(1).sum(1)
            with torch.no_grad():
                fooled = margins[:, 0] > 0
                if 2 * iteration >= iterations:
                    succeeded |= fooled
                better = fooled & (squares.sqrt() < norms[which])
                norms[which[better]] = squares[better].sqrt()
                adversarial[which[better]] = candidate[better]
            loss = (squares + constant * (-margins).clamp_min(0).sum(1)).sum()
            (variable.grad,) = torch.autograd.grad(loss, variable)
            optimizer.step()
        upper = torch.where(succeeded, torch.minimum(upper, constant), upper)
        lower = torch.where(succeeded, lower, torch.maximum(lower, constant))
        outside = torch.where(succeeded, constant / FACTOR, constant * FACTOR)
        constant = torch.where((lower > 0) & (upper < torch.inf), (lower * upper).sqrt(), outside)
    return SmallestPerturbation(adversarial.detach(), norms)
