"""The fast gradient sign method (Goodfellow et al., 2014)."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from trainables.attacks.pgd import pgd


def fgsm(loss_of: Callable[[Tensor], Tensor], images: Tensor, epsilon: float) -> Tensor:
    """One step of size ε from the images themselves, (N, C, H, W) in [0, 1]; see `pgd` for the arguments."""
    return pgd(loss_of, images, epsilon, epsilon, 1, random_start=False)
