"""Images under a corruption of the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from trainables.datasets.corruptions import blur, digital, noise, weather
from trainables.datasets.corruptions.constants import CORRUPTIONS, LEAST_SIDE, SEVERITIES, scale_of
from trainables.datasets.corruptions.draws import Draws
from trainables.datasets.errors import DataError, nearest

OPERATIONS: Mapping[str, Callable[..., Any]] = {
    name: getattr(module, name)
    for name, module in zip(
        CORRUPTIONS,
        [noise] * 3 + [blur] * 4 + [weather] * 4 + [digital] * 4,
        strict=True,
    )
}
"""The function of each corruption by its name: images (B, C, H, W) float64, a level, draws and the scale of pixels."""


def corrupt(images: Tensor, name: str, severity: int) -> Tensor:
    """Images (N, C, H, W) uint8 under a corruption; the same image is always changed in the same way.

    Raises `ValueError` for an unknown name or severity, `DataError` for images below `LEAST_SIDE` pixels a side
    or of other than one or three channels.
    """
    if name not in CORRUPTIONS:
        raise ValueError(f"{name!r} is not a corruption; {nearest(name, CORRUPTIONS)}")
    if not 1 <= severity <= SEVERITIES:
        raise ValueError(f"severity {severity} is not one of 1 to {SEVERITIES}")
    _, channels, height, width = images.shape
    if min(height, width) < LEAST_SIDE or channels not in (1, 3):
        raise DataError(
            f"corruptions are for grey or RGB images of at least {LEAST_SIDE} pixels a side, not of {channels} channels"
            f" and {height}×{width}; set a larger image_size"
        )
    if len(images) == 0:
        return images.clone()
    stored = images.cpu().numpy()
    pixels, draws = stored.astype(np.float64) / 255, Draws(stored, name)
    level = CORRUPTIONS[name].levels[severity - 1]
    changed = OPERATIONS[name](pixels, level, draws, scale_of(min(height, width)))
    return torch.from_numpy(np.rint(255 * np.clip(changed, 0, 1)).astype(np.uint8)).to(images.device)
