"""Controls of MP that S3 lacks: what remains of its effect once size and direction are taken into account.

`eta`, `sta` and `mixed` are perturbations (N, C, H, W) of images (N, C, H, W) in [0, 1].
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from trainables.adversarial_training.perturbations.matched_sizes import (
    Norm,
    in_random_direction,
    projected_to_size,
    rows,
    size_of,
)


def shrink(sta: Tensor, mixed: Tensor, mean: Callable[[float], float]) -> Tensor:
    """`sta` times one factor, at most 1, that makes its mean |η| over the batch that of `mixed`.

    `mean` is over ranks, each of which has a part of the batch. The factor would be above 1 only where MP is larger.
    A shrunk perturbation stays within the box, so that projection doesn't change its size.
    """
    wanted, own = (mean(float(eta.abs().sum(dtype=torch.float64))) for eta in (mixed, sta))
    return sta * min(1.0, wanted / own) if own > 0 else sta


def rescale(mixed: Tensor, sta: Tensor, images: Tensor, epsilon: float) -> Tensor:
    """`mixed`, each image's times a factor, so that its mean |η| within the ε-box and [0, 1] is that of `sta`.

    Where even an infinite factor can't do that, because too little of `mixed` is nonzero, it is as large as possible.
    """
    pixels = rows(images)
    rescaled = projected_to_size(rows(mixed), pixels, epsilon, size_of(rows(sta), "l1"), "l1")
    return _as_images(rescaled, images, epsilon)


def turn_at_random(mixed: Tensor, sta: Tensor, normal: Tensor, images: Tensor, epsilon: float, norm: Norm) -> Tensor:
    """For each image a random direction with the `norm` of `mixed` and its angle to `sta`, both as projected.

    `normal`: standard normal draws (N, C, H, W); see `in_random_direction`.
    """
    drawn = rows(normal)
    turned = in_random_direction(rows(mixed), rows(sta), drawn, rows(images), epsilon, norm)
    return _as_images(turned, images, epsilon)


def _as_images(eta: Tensor, images: Tensor, epsilon: float) -> Tensor:
    """Rows (N, D) as perturbations, within their limits also after rounding."""
    shaped = eta.reshape(images.shape).to(images.dtype)
    return (images + shaped.clamp_(-epsilon, epsilon)).clamp_(0, 1) - images
