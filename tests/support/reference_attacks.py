"""S3's attacks and perturbations as their definitions read: one task at a time, one image at a time, nothing clever.

What the engine computes is held to this. `images`: (N, C, H, W) in [0, 1]; `labels`: (N, 1 + M), main task first.
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
    """Each image's MP perturbation at the mean size of its STA perturbation, the factor found by bisection."""
    found = []
    for mp_one, sta_one, image in zip(mp, sta, images, strict=True):
        low, high = 0.0, 2.0**20
        for _ in range(200):
            factor = (low + high) / 2
            if (factor * mp_one).clamp(-epsilon, epsilon).abs().mean() < sta_one.abs().mean():
                low = factor
            else:
                high = factor
        found.append(inside(high * mp_one, image, epsilon))
    return torch.stack(found)


def turned(eta: Tensor, sta: Tensor, normal: Tensor) -> Tensor:
    """For each image a vector as long as `eta` and at its angle to `sta`, in the plane of `sta` and `normal`."""
    found = []
    for one, axis, draw in zip(eta.flatten(1), sta.flatten(1), normal.flatten(1), strict=True):
        cosine = torch.dot(one, axis) / (one.norm() * axis.norm())
        across = draw - torch.dot(draw, axis) / torch.dot(axis, axis) * axis
        direction = cosine * axis / axis.norm() + torch.sqrt(1 - cosine**2) * across / across.norm()
        found.append(one.norm() * direction)
    return torch.stack(found).reshape(eta.shape)
