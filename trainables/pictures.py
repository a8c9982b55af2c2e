"""Images side by side, as reports and MLflow show them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

TILE = 56
"""Least height of an image, in pixels; smaller ones are enlarged by a whole factor."""
HEAD, LETTER = 18, 11
"""Height of the line above the columns, and of its letters, in pixels."""


def columns(shown: Sequence[Tensor], heads: Sequence[str] = ()) -> Any:
    """A row of each image's versions, a numpy array (H, W) or (H, W, 3) uint8.

    Each of `shown`: (N, C, H, W) in [0, 1], a column; grey ones become colour if another column has colour. `heads` are
    written above.
    """
    stacked = [torch.cat(tiles, dim=1) for tiles in _tiles(shown)]
    picture = _eight_bits(torch.cat(stacked, dim=2))
    if heads:
        line = _written(heads, [column.shape[2] for column in stacked])
        picture = torch.cat([line.expand(len(picture), -1, -1), picture], dim=1)
    return _as_array(picture)


def rows(shown: Sequence[Tensor]) -> Any:
    """The same with a column of each image's versions: each of `shown` is a row."""
    return _as_array(_eight_bits(torch.cat([torch.cat(tiles, dim=2) for tiles in _tiles(shown)], dim=1)))


def _tiles(shown: Sequence[Tensor]) -> list[list[Tensor]]:
    """Every image of every version, (C, H, W), enlarged and with a white edge."""
    channels = max(version.shape[1] for version in shown)
    factor = max(1, -(-TILE // shown[0].shape[2]))
    tiles = []
    for version in shown:
        large = version.detach().cpu().expand(-1, channels, -1, -1)
        large = large.repeat_interleave(factor, dim=2).repeat_interleave(factor, dim=3)
        tiles.append(list(F.pad(large, (2, 2, 2, 2), value=1.0)))
    return tiles


def _eight_bits(picture: Tensor) -> Tensor:
    return (picture.clamp(0, 1) * 255).round().to(torch.uint8)


def _as_array(picture: Tensor) -> Any:
    return (picture[0] if len(picture) == 1 else picture.permute(1, 2, 0)).numpy()


def _written(heads: Sequence[str], widths: Sequence[int]) -> Tensor:
    """A line (1, HEAD, W) uint8 with a word in the middle of each column."""
    import numpy as np
    from PIL import Image, ImageDraw, ImageFont

    line = Image.new("L", (sum(widths), HEAD), 255)
    draw, font = ImageDraw.Draw(line), ImageFont.load_default(LETTER)
    for index, head in enumerate(heads):
        middle = sum(widths[:index]) + widths[index] / 2
        draw.text((middle, HEAD / 2), head, fill=0, font=font, anchor="mm")
    return torch.from_numpy(np.array(line))[None]
