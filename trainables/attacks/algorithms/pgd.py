"""Projected gradient descent in the L∞ ball (Madry et al. 2018), the attack of S3's training and evaluation."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def pgd(
    loss_of: Callable[[Tensor], Tensor],
    images: Tensor,
    epsilon: float,
    step_size: float,
    steps: int,
    *,
    random_start: bool,
    generator: torch.Generator | None = None,
    noise: Tensor | None = None,
) -> Tensor:
    """The last iterate of `steps` sign steps that raise `loss_of`, (N, C, H, W), within ε of `images` and in [0, 1].

    `images`: (N, C, H, W), float in [0, 1]. `loss_of`: adversarial images → the loss summed over samples, a scalar.
    The random start is uniform in the ε-box, drawn from `generator` (a CPU one, so that devices agree) and clamped
    to [0, 1]; `noise`, of the images' shape and in [0, 1), replaces the draw. Only gradients of the images
    are taken; see `frozen` for the model's side.
    """
    images = images.detach()
    lowest, highest = (images - epsilon).clamp(0, 1), (images + epsilon).clamp(0, 1)
    adversarial = images.clone()
    if random_start:
        if noise is None:
            noise = torch.rand(images.shape, generator=generator, dtype=images.dtype)
        adversarial = (images + (2 * noise.to(images.device) - 1) * epsilon).clamp(lowest, highest)
    sign = torch.empty_like(adversarial)
    for _ in range(steps):
        point = adversarial.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(loss_of(point), point)
        adversarial.add_(torch.sign(gradient, out=sign), alpha=step_size).clamp_(lowest, highest)
    return adversarial
