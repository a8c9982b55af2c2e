"""S3's attacks and perturbations as they are defined: one task and one image at a time, without optimisations.

The engine's results are compared with this. `images`: (N, C, H, W) in [0, 1]; `labels`: (N, 1 + M), main task first.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def loss(model: nn.Module, images: Tensor, labels: Tensor, tasks: Sequence[int]) -> Tensor:
    """Cross-entropy summed over images and `tasks`."""
    logits = model(images)
    return sum((F.cross_entropy(logits[m], labels[:, m], reduction="sum") for m in tasks), start=torch.zeros(()))


def gradient(model: nn.Module, images: Tensor, labels: Tensor, tasks: Sequence[int]) -> Tensor:
    """The gradient of `loss` at `images`."""
    images = images.clone().requires_grad_()
    loss(model, images, labels, tasks).backward()
    assert images.grad is not None
    return images.grad


def pgd(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    tasks: Sequence[int],
    epsilon: float,
    step_size: float,
    steps: int,
    noise: Tensor | None,
) -> Tensor:
    """η of PGD (Madry et al., 2018) from a point of the ε-box that `noise` in [0, 1) names, or from the images."""
    eta = torch.zeros_like(images) if noise is None else (2 * noise - 1) * epsilon
    eta = torch.clamp(images + eta, 0, 1) - images
    for _ in range(steps):
        eta = eta + step_size * torch.sign(gradient(model, images + eta, labels, tasks))
        eta = torch.clamp(eta, -epsilon, epsilon)
        eta = torch.clamp(images + eta, 0, 1) - images
    return eta


def mixed(alphas: Sequence[Sequence[float]], etas: Sequence[Tensor]) -> Tensor:
    """Σ αₘ ηₘ (eq. 2), with a row of `alphas` for each image."""
    return torch.stack(
        [sum((a * eta[n] for a, eta in zip(row, etas, strict=True)), torch.zeros(())) for n, row in enumerate(alphas)]
    )


def inside(eta: Tensor, images: Tensor, epsilon: float) -> Tensor:
    """`eta` in the ε-box, then images + `eta` in [0, 1]."""
    return torch.clamp(images + torch.clamp(eta, -epsilon, epsilon), 0, 1) - images


def shrunk(sta: Tensor, mp: Tensor) -> Tensor:
    """STA's perturbation at MP's mean size over the batch."""
    return sta * (mp.abs().mean() / sta.abs().mean())


def rescaled(mp: Tensor, sta: Tensor, images: Tensor, epsilon: float) -> Tensor:
    """Each image's MP perturbation at the mean size of its STA perturbation, both as projected."""
    scaled = [of_size(*three, epsilon, 1) for three in zip(mp, sta, images, strict=True)]
    return torch.stack(scaled)


def of_size(direction: Tensor, like: Tensor, image: Tensor, epsilon: float, order: int) -> Tensor:
    """The projection of a multiple of `direction` that has the norm of `like`, the factor found by bisection."""
    low, high = 0.0, 2.0**20
    for _ in range(80):
        factor = (low + high) / 2
        if inside(factor * direction, image, epsilon).norm(order) < like.norm(order):
            low = factor
        else:
            high = factor
    return inside(high * direction, image, epsilon)


def turned(mp: Tensor, sta: Tensor, normal: Tensor, images: Tensor, epsilon: float, order: int) -> Tensor:
    """For each image a random direction with MP's norm and MP's angle to `sta`, as projected, found by bisection."""
    turned_ones = []
    for eta_mp, axis, draw, image in zip(mp, sta, normal, images, strict=True):
        across = draw - (draw * axis).sum() / (axis * axis).sum() * axis
        wanted, (low, high) = angle(eta_mp, axis), (0.0, torch.pi / 2)
        for _ in range(60):
            turn = torch.tensor((low + high) / 2, dtype=torch.float64)
            direction = turn.cos() * axis / axis.norm() + turn.sin() * across / across.norm()
            eta = of_size(direction, eta_mp, image, epsilon, order)
            low, high = (float(turn), high) if angle(eta, axis) < wanted else (low, float(turn))
        turned_ones.append(eta)
    return torch.stack(turned_ones)


def angle(first: Tensor, second: Tensor) -> float:
    """In radians, in float64."""
    first, second = first.double(), second.double()
    return float(((first * second).sum() / (first.norm() * second.norm())).clamp(-1, 1).acos())
