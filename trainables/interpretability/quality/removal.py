"""Whether the pixels that a map names decide: pixels are removed or inserted in its order, and in a random one.

A robust network changes its answer less for any removed pixels, so that areas under curves of different networks
can't be compared. Each gain here is therefore relative to the same network with a random order: 0 for a map
that is no better than that, 1 for the best there could be.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from trainables.interpretability.quality.counts import RANDOM_ORDERS, STEPS
from trainables.randomness import stream

Probability = Callable[[Tensor], Tensor]
"""Images (N, C, H, W) → the probability of each one's class, (N,)."""


def order_of(maps: Tensor) -> Tensor:
    """The pixels of each map (N, H, W) from the largest |map| to the least, (N, H · W) int64."""
    return maps.flatten(1).abs().sort(dim=1, descending=True, stable=True).indices


def random_order(images: Tensor, seed: int) -> Tensor:
    """A random order of the pixels for each of the images (N, C, H, W), the same for all, (N, H · W) int64."""
    pixels = images.shape[2] * images.shape[3]
    order = torch.randperm(pixels, generator=stream(seed, "random pixels")).to(images.device)
    return order.expand(len(images), -1)


def mixed(front: Tensor, back: Tensor, order: Tensor, count: int) -> Tensor:
    """`back` (N, C, H, W) with the first `count` pixels of `order` (N, H · W) taken from `front`."""
    chosen = torch.zeros(len(back), back.shape[2] * back.shape[3], dtype=torch.bool, device=back.device)
    chosen.scatter_(1, order[:, :count], True)
    return torch.where(chosen.reshape(len(back), 1, *back.shape[2:]), front, back)


def probabilities_along(probability: Probability, front: Tensor, back: Tensor, order: Tensor, counts: Tensor) -> Tensor:
    """p (counts, N) float64 of `back` with as many pixels from `front` as each of `counts` says, by `order`."""
    return torch.stack([probability(mixed(front, back, order, int(count))).to(torch.float64) for count in counts])


def area(probability: Probability, front: Tensor, back: Tensor, order: Tensor, steps: int = STEPS) -> Tensor:
    """The area, (N,) float64, under p over the share of pixels of `back` that are replaced by those of `front`."""
    pixels = order.shape[1]
    counts = torch.linspace(0, pixels, min(steps, pixels) + 1).round().to(torch.int64)
    curve = probabilities_along(probability, front, back, order, counts)
    return torch.trapezoid(curve, counts.to(curve) / pixels, dim=0)


def background(images: Tensor) -> Tensor:
    """The values of removed pixels: the mean of each image and channel, (N, C, H, W)."""
    return images.mean((2, 3), keepdim=True).expand_as(images)


def random_areas(probability: Probability, images: Tensor, seed: int = 0) -> tuple[Tensor, Tensor]:
    """The areas of deletion and insertion in a random order, (N,) float64 each, means over `RANDOM_ORDERS`."""
    empty = background(images)
    orders = [random_order(images, seed + draw) for draw in range(RANDOM_ORDERS)]
    deleted = torch.stack([area(probability, empty, images, order) for order in orders]).mean(0)
    inserted = torch.stack([area(probability, images, empty, order) for order in orders]).mean(0)
    return deleted, inserted


def deletion_gain(probability: Probability, images: Tensor, maps: Tensor, random: Tensor) -> Tensor:
    """The share by which the area of deletion in the map's order is below a random one's, (N,) (Petsiuk et al., 2018).

    `random`: the areas of random orders, as `random_areas` gives them.
    """
    of_map = area(probability, background(images), images, order_of(maps))
    return (random - of_map) / random.clamp(min=LEAST)


def insertion_gain(probability: Probability, images: Tensor, maps: Tensor, random: Tensor) -> Tensor:
    """The share of a random order's distance to 1 that the map's order gains, (N,) (Petsiuk et al.)."""
    of_map = area(probability, images, background(images), order_of(maps))
    return (of_map - random) / (1 - random).clamp(min=LEAST)


LEAST = 0.02
"""A random area below this, or above 1 less this, leaves nothing to compare with; this is the divisor instead."""
