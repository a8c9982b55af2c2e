"""Images side by side, as reports and MLflow show them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

TILE = 56
"""Least height of an image, in pixels; smaller ones are enlarged by a whole factor."""


def columns(shown: Sequence[Tensor]) -> Any:
    """A row of each image's versions, a numpy array (H, W) or (H, W, 3) uint8.

    Each of `shown`: (N, C, H, W) in [0, 1], a column; grey ones beside colour become colour.
    """
    channels = max(column.shape[1] for column in shown)
    factor = max(1, -(-TILE // shown[0].shape[2]))
    stacked = []
    for column in shown:
        large = column.detach().cpu().expand(-1, channels, -1, -1)
        large = large.repeat_interleave(factor, dim=2).repeat_interleave(factor, dim=3)
        stacked.append(torch.cat(list(F.pad(large, (2, 2, 2, 2), value=1.0)), dim=1))
    picture = (torch.cat(stacked, dim=2).clamp(0, 1) * 255).round().to(torch.uint8)
    return (picture[0] if channels == 1 else picture.permute(1, 2, 0)).numpy()
