"""How much a map changes if its image hardly changes, over a fixed radius in L∞.

The relative stabilities divide by the map, pixel by pixel, as they are defined; a few pixels with hardly any share
decide them, so that they spread over orders of magnitude. They measure different things: the one how much more the
map changes than the image, the other than the logits, and a network whose logits change less gets a larger one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.interpretability.quality.counts import DRAWS
from trainables.randomness import stream

LEAST = 1e-6
"""Replaces a divisor of 0, as in the definition (Agarwal et al., 2022)."""


@dataclass(frozen=True)
class Stability:
    """Stabilities of N images, (N,) float64 each.

    `largest`, `average`: of |map(x') - map(x)| / |map(x)| in L2 over perturbations (Yeh et al., 2019; Bhatt et al.,
    2020); NaN for a map of zeros. `relative_input`, `relative_output`: the largest over the perturbations that leave
    the prediction unchanged; NaN if none does (Agarwal et al., 2022, eq. 2 and 5).
    """

    largest: Tensor
    average: Tensor
    relative_input: Tensor
    relative_output: Tensor


def perturbed(images: Tensor, radius: float, seed: int, draws: int = DRAWS) -> Iterator[Tensor]:
    """`images` (N, C, H, W) plus uniform noise within ±`radius`, clamped to [0, 1]; all get the same noise."""
    generator = stream(seed, "sensitivity")
    for _ in range(draws):
        noise = (2 * torch.rand(images.shape[1:], generator=generator) - 1).to(images)
        yield (images + radius * noise).clamp(0, 1)


def stability(
    explain: Callable[[Tensor], Tensor],
    logits: Callable[[Tensor], Tensor],
    images: Tensor,
    maps: Tensor,
    radius: float,
    *,
    seed: int = 0,
    draws: int = DRAWS,
) -> Stability:
    """The four of images (N, C, H, W) with `maps` (N, H, W).

    `explain`: perturbed images → maps for the classes that were explained on the images themselves. `logits`: images →
    (N, classes).
    """
    own, answers = maps.to(torch.float64).flatten(1), logits(images).to(torch.float64)
    size = own.norm(dim=1)
    size = torch.where(size > 0, size, torch.full_like(size, torch.nan))
    sensitivities, inputs, outputs = [], [], []
    for noisy in perturbed(images, radius, seed, draws):
        change = explain(noisy).to(torch.float64).flatten(1) - own
        sensitivities.append(change.norm(dim=1) / size)
        changed_answers = logits(noisy).to(torch.float64)
        same = changed_answers.argmax(1) == answers.argmax(1)
        relative = (change / _nonzero(own)).norm(dim=1)
        pixels = images.to(torch.float64).flatten(1)
        moved = ((noisy.to(torch.float64).flatten(1) - pixels) / _nonzero(pixels)).norm(dim=1)
        outside = torch.full_like(relative, -torch.inf)
        inputs.append(torch.where(same, relative / _nonzero(moved), outside))
        outputs.append(torch.where(same, relative / _nonzero((changed_answers - answers).norm(dim=1)), outside))
    every = torch.stack(sensitivities)
    return Stability(every.amax(0), every.mean(0), _largest(inputs), _largest(outputs))


def _largest(values: list[Tensor]) -> Tensor:
    largest = torch.stack(values).amax(0)
    return torch.where(largest.isinf() & (largest < 0), torch.full_like(largest, torch.nan), largest)


def _nonzero(divisors: Tensor) -> Tensor:
    return torch.where(divisors == 0, torch.full_like(divisors, LEAST), divisors)
