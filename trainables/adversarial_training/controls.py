"""The controls of MP that S3 lacks: what is left of its effect once size and direction are taken into account.

`eta`, `sta` and `mixed` are perturbations (N, C, H, W) of images (N, C, H, W) in [0, 1].
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

DOUBLINGS, HALVINGS = 24, 48
"""Of the search for a factor: up to 2²⁴, to the last bit of a float32 and beyond."""


def keep_within(eta: Tensor, images: Tensor, epsilon: float) -> Tensor:
    """`eta` cut to the ε-box, and images + `eta` to [0, 1]."""
    return (images + eta.clamp(-epsilon, epsilon)).clamp_(0, 1) - images


def shrink(sta: Tensor, mixed: Tensor, mean: Callable[[float], float]) -> Tensor:
    """`sta` times one factor, at most 1, that makes its mean |η| over the batch that of `mixed`.

    `mean` is over ranks, each of which has a part of the batch. The factor would be above 1 only where MP is larger.
    """
    wanted, own = (mean(float(eta.abs().sum(dtype=torch.float64))) for eta in (mixed, sta))
    return sta * min(1.0, wanted / own) if own > 0 else sta


def rescale(mixed: Tensor, sta: Tensor, images: Tensor, epsilon: float) -> Tensor:
    """`mixed`, each image's times a factor, so that its mean |η| within the ε-box is that of `sta`; then in [0, 1].

    Where even an endless factor can't do that, because too little of `mixed` is other than 0, it is as large as can be.
    """
    wanted = sta.abs().flatten(1).mean(1)
    size = mixed.abs().flatten(1)

    def reached(factor: Tensor) -> Tensor:
        return (size * factor.unsqueeze(1)).clamp_(max=epsilon).mean(1)

    high = torch.ones_like(wanted)
    for _ in range(DOUBLINGS):
        high = torch.where(reached(high) < wanted, 2 * high, high)
    low = torch.zeros_like(high)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        short = reached(middle) < wanted
        low, high = torch.where(short, middle, low), torch.where(short, high, middle)
    return keep_within(mixed * high.reshape(-1, 1, 1, 1), images, epsilon)


def turn_at_random(eta: Tensor, sta: Tensor, normal: Tensor) -> Tensor:
    """A random vector for each image's `eta`, of its L2 length and at its angle to `sta`.

    `normal`: standard normal draws (N, C, H, W), which give a uniform direction across `sta`. Without a length `sta`
    has no angle to anything, and the direction is uniform in all dimensions.
    """
    axis = _unit(sta.flatten(1).to(torch.float64))
    drawn = normal.to(sta.device).flatten(1).to(torch.float64)
    across = _unit(drawn - (drawn * axis).sum(1, keepdim=True) * axis)
    flat = eta.flatten(1).to(torch.float64)
    along = (flat * axis).sum(1, keepdim=True)
    rest = (flat.square().sum(1, keepdim=True) - along.square()).clamp_(min=0).sqrt()
    turned: Tensor = (along * axis + rest * across).reshape(eta.shape).to(eta.dtype)
    return turned


def _unit(vectors: Tensor) -> Tensor:
    """Each row at length 1; rows of zeros stay."""
    lengths: Tensor = torch.linalg.vector_norm(vectors, dim=1, keepdim=True)
    unit: Tensor = vectors / lengths.clamp_(min=torch.finfo(vectors.dtype).tiny)
    return unit
