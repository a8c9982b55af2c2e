"""PGD away from the prediction of the clean image: the inner maximisation of TRADES (Zhang et al., 2019)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from trainables.attacks.objective import LogitsOf


def ascend_divergence(
    logits_of: LogitsOf, images: Tensor, start: Tensor, epsilon: float, step_size: float, steps: int
) -> Tensor:
    """The last iterate, (N, C, H, W), of sign steps that raise KL(p(x) ‖ p(x')), within ε of `images` and in [0, 1].

    `images`, `start`: (N, C, H, W). At the images themselves the divergence is minimal and has no gradient, so that
    `start` must be another point. `logits_of` is of a frozen network.
    """
    images = images.detach()
    lowest, highest = (images - epsilon).clamp(0, 1), (images + epsilon).clamp(0, 1)
    with torch.no_grad():
        clean = F.log_softmax(logits_of(images), dim=1)
    adversarial = start.detach().clone()
    for _ in range(steps):
        point = adversarial.requires_grad_()
        divergence = F.kl_div(F.log_softmax(logits_of(point), dim=1), clean, reduction="sum", log_target=True)
        (gradient,) = torch.autograd.grad(divergence, point)
        adversarial = torch.clamp(point.detach() + step_size * gradient.sign(), lowest, highest)
    return torch.clamp(adversarial, lowest, highest)
