"""Pictures of what an attack does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from trainables.pictures import columns


def gallery(clean: Tensor, perturbations: Sequence[Tensor], adversarial: Tensor, epsilon: float) -> Any:
    """A row clean | perturbations | adversarial of each image, a numpy array (H, W) or (H, W, 3) uint8.

    `clean`, `adversarial` and each of `perturbations`: (N, C, H, W), images in [0, 1]. Perturbations are stretched:
    grey is 0, black -ε, white +ε.
    """
    stretched = [eta / (2 * epsilon) + 0.5 if epsilon > 0 else torch.full_like(clean, 0.5) for eta in perturbations]
    return columns([clean, *stretched, adversarial])
