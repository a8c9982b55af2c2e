"""Projected gradient descent in L2 (Madry et al., 2018); any fooling iterate counts.

It runs twice: on the cross-entropy, and on the margin, whose gradient doesn't vanish if training made a network unsure
or very sure of its answers, as by label smoothing or distillation.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from trainables.attacks.algorithms.margin import margin
from trainables.attacks.objective import input_gradient

Loss = Callable[[Tensor, Tensor], Tensor]
"""Logits (N, classes) and labels (N,) → the loss to raise, (N,)."""

ACROSS = 2.5
"""Steps together reach two and a half times across the ball, as Madry et al. take them."""


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """The cross-entropy of each sample, (N,)."""
    return F.cross_entropy(logits, labels, reduction="none")


LOSSES: tuple[Loss, ...] = (cross_entropy, margin)
"""The losses to raise, one after the other, each on the images that the one before left standing."""


def withstands_l2(
    logits_of: Callable[[Tensor], Tensor],
    images: Tensor,
    labels: Tensor,
    standing: Tensor,
    radius: float,
    steps: int,
) -> Tensor:
    """Which of the `standing` images, (B,) bool of (B, C, H, W), keep their labels (B,) at every iterate.

    Within `radius` of the image in L2 and within [0, 1], from the image itself, `steps` for each of the `LOSSES`; an
    image that is fooled takes no further steps.
    """
    for loss in LOSSES:
        standing = _withstands(loss, logits_of, images, labels, standing.clone(), radius, steps)
    return standing


def _withstands(
    loss: Loss,
    logits_of: Callable[[Tensor], Tensor],
    images: Tensor,
    labels: Tensor,
    standing: Tensor,
    radius: float,
    steps: int,
) -> Tensor:
    step, points = ACROSS * radius / steps, images.clone()
    for _ in range(steps):
        which = standing.nonzero().squeeze(1)
        if not len(which):
            break
        with torch.enable_grad():
            current = points[which].requires_grad_()
            gradient = input_gradient(loss(logits_of(current), labels[which]).sum(), current)
        moved = projected(current.detach() + step * unit(gradient), images[which], radius)
        points[which] = moved
        with torch.no_grad():
            standing[which] = logits_of(moved).argmax(1) == labels[which]
    return standing


def unit(directions: Tensor) -> Tensor:
    """Each of (B, C, H, W) at L2 norm 1; zero stays zero."""
    norms = directions.flatten(1).norm(dim=1).clamp(min=torch.finfo(directions.dtype).tiny)
    scaled: Tensor = directions / norms.reshape(-1, 1, 1, 1)
    return scaled


def projected(points: Tensor, images: Tensor, radius: float) -> Tensor:
    """Points (B, C, H, W) projected to within `radius` of the images, then to [0, 1], which moves them no farther."""
    offsets = points - images
    norms = offsets.flatten(1).norm(dim=1).clamp(min=torch.finfo(points.dtype).tiny)
    inside: Tensor = images + offsets * (radius / norms).clamp(max=1).reshape(-1, 1, 1, 1)
    return inside.clamp(0, 1)
