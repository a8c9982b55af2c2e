"""ROAD (Rong et al., 2022): removed pixels are imputed from their neighbours, so that the hole can't be seen."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from trainables.interpretability.quality.counts import RANDOM_ORDERS, SHARES
from trainables.interpretability.quality.removal import order_of, random_order
from trainables.randomness import stream

NOISE = 0.01
"""Standard deviation of the noise added to an imputed pixel, as in the paper."""
STRAIGHT, DIAGONAL = 1 / 6, 1 / 12
"""The weight of a neighbour."""
MOST_ENTRIES = 20_000_000
"""Size of the systems that are solved together: 160 MB."""
LEAST = 0.02
"""A random order's accuracy below this leaves nothing to compare with; this is the divisor instead."""

Right = Callable[[Tensor], Tensor]
"""Images (N, C, H, W) → whether the network still answers as before, (N,) bool."""


def imputed(images: Tensor, removed: Tensor, seed: int = 0, noise: float = NOISE) -> Tensor:
    """Images (N, C, H, W) with the `removed` pixels (N, H, W), bool, the weighted mean of their eight neighbours.

    All of an image's removed pixels are solved together, as a linear system; at the edge fewer neighbours count.
    Every image must have as many removed pixels as the others, and keep one.
    """
    weights = neighbour_weights(*images.shape[2:]).to(images.device)
    index = removed.flatten(1).nonzero()[:, 1].reshape(len(images), -1)
    drawn = torch.randn(len(weights), generator=stream(seed, "road noise"), dtype=torch.float64).to(images.device)
    at_once = max(1, MOST_ENTRIES // max(1, index.shape[1] ** 2))
    parts = zip(torch.split(images, at_once), torch.split(index, at_once), strict=True)
    return torch.cat([_solved(some, which, weights, noise * drawn) for some, which in parts])


def _solved(images: Tensor, index: Tensor, weights: Tensor, noise: Tensor) -> Tensor:
    """The same for some images with the places (N, M) of their removed pixels."""
    pixels = images.flatten(2)
    places = index[:, None].expand(-1, pixels.shape[1], -1)
    known = pixels.scatter(2, places, 0.0).to(torch.float64) @ weights.T  # (N, C, H · W): the part of kept neighbours
    inside = weights[index[:, :, None], index[:, None, :]]  # (N, M, M)
    system = torch.diag_embed(weights.sum(1)[index]) - inside
    solved = torch.linalg.solve(system, known.gather(2, places).transpose(1, 2))
    filled = solved.transpose(1, 2) + noise[index][:, None]
    return pixels.scatter(2, places, filled.to(pixels.dtype)).reshape_as(images)


def neighbour_weights(height: int, width: int) -> Tensor:
    """The weight of each pixel for each other one, (H · W, H · W) float64; 0 except for the eight neighbours."""
    kernel = torch.full((3, 3), DIAGONAL, dtype=torch.float64)
    kernel[1], kernel[:, 1], kernel[1, 1] = STRAIGHT, STRAIGHT, 0.0
    every = torch.eye(height * width, dtype=torch.float64).reshape(-1, 1, height, width)
    return F.conv2d(every, kernel[None, None], padding=1).flatten(1)


def road_curve(right: Right, images: Tensor, order: Tensor, seed: int = 0) -> Tensor:
    """Whether each image is still answered as before with each of `SHARES` removed, (N, shares) float64.

    `order`: (N, H · W), the pixels to remove, in order.
    """
    pixels = order.shape[1]
    columns = []
    for share in SHARES:
        removed = torch.zeros(order.shape, dtype=torch.bool, device=order.device)
        removed.scatter_(1, order[:, : max(1, round(share * pixels))], True)
        columns.append(right(imputed(images, removed.reshape(len(images), *images.shape[2:]), seed)).to(torch.float64))
    return torch.stack(columns, dim=1)


def random_road(right: Right, images: Tensor, seed: int = 0) -> Tensor:
    """The mean of random orders' curves for each image, (N,) float64."""
    orders = [random_order(images, seed + draw) for draw in range(RANDOM_ORDERS)]
    return torch.stack([road_curve(right, images, order, seed).mean(1) for order in orders]).mean(0)


def road(right: Right, images: Tensor, maps: Tensor, seed: int = 0) -> Tensor:
    """The mean over `SHARES` of whether each image is answered as before, most relevant pixels removed first, (N,)."""
    return road_curve(right, images, order_of(maps), seed).mean(1)


def road_gain(of_map: float, of_random: float) -> float:
    """The share by which the map's order lowers the accuracy below that of random ones; both are means over images."""
    return (of_random - of_map) / max(of_random, LEAST)
