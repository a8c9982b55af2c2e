"""Pictures of what an attack does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

TILE = 56
"""Least height of an image in a gallery, in pixels; smaller ones are enlarged by a whole factor."""


def gallery(clean: Tensor, perturbations: Sequence[Tensor], adversarial: Tensor, epsilon: float) -> Any:
    """A row clean | perturbations | adversarial of each image, a numpy array (H, W) or (H, W, 3) uint8.

    `clean`, `adversarial` and each of `perturbations`: (N, C, H, W), images in [0, 1]. Perturbations are stretched:
    grey is 0, black -ε, white +ε.
    """
    stretched = [eta / (2 * epsilon) + 0.5 if epsilon > 0 else torch.full_like(clean, 0.5) for eta in perturbations]
    factor = max(1, -(-TILE // clean.shape[2]))
    columns = []
    for column in (clean, *stretched, adversarial):
        large = column.detach().cpu().repeat_interleave(factor, dim=2).repeat_interleave(factor, dim=3)
        framed = torch.nn.functional.pad(large, (2, 2, 2, 2), value=1.0)
        columns.append(torch.cat(list(framed), dim=1))
    picture = (torch.cat(columns, dim=2).clamp(0, 1) * 255).round().to(torch.uint8)
    return (picture[0] if len(picture) == 1 else picture.permute(1, 2, 0)).numpy()
