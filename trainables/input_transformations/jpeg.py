"""JPEG's loss in torch: colours, cosine transform of 8×8 blocks, quantisation, and back (ITU-T T.81).

The lossless part, Huffman's coding, changes no pixel and is left out. Colours keep their resolution (4:4:4).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from trainables.device.transfer import to_like
from trainables.input_transformations.straight_through import clamped, replaced, rounded

SIDE = 8
"""Pixels a side of a block."""

LUMINANCE = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51,
    87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101,
    72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip
"""Quantisation steps of brightness at quality 50 (T.81, table K.1), row by row."""

CHROMINANCE = (
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66,
    *[99] * 38,
)  # fmt: skip
"""The same for colours (table K.2)."""

TIE = 1e-4
"""Tolerance of halves computed in float32."""

TO_YCBCR = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
"""From RGB to brightness and two differences of colour (JFIF)."""


def compressed(images: Tensor, quality: int) -> Tensor:
    """Images (N, C, H, W) in [0, 1] after JPEG of a `quality` from 1 to 100; C is 1 or 3.

    Roundings and bounds have the gradient of the identity, so the whole also has approximately that gradient.
    """
    colour = images.shape[1] == 3
    pixels = images * 255
    planes = _mixed(pixels, torch.tensor(TO_YCBCR)) if colour else pixels
    planes = clamped(rounded(planes + _centres(planes)), 0, 255) - 128
    tables = [LUMINANCE] + [CHROMINANCE] * 2 if colour else [LUMINANCE] * images.shape[1]
    steps = to_like(torch.stack([quantisation(table, quality) for table in tables]), planes)
    planes = clamped(_through_blocks(planes, steps) + 128, 0, 255)
    planes = rounded(planes) - _centres(planes)
    back = _mixed(planes, torch.linalg.inv(torch.tensor(TO_YCBCR, dtype=torch.float64))) if colour else planes
    return clamped(rounded(back), 0, 255) / 255


def quantisation(table: tuple[int, ...], quality: int) -> Tensor:
    """The steps (8, 8) of a table at a quality, scaled as the Independent JPEG Group's library does."""
    scale = 5_000 // quality if quality < 50 else 200 - 2 * quality
    steps = torch.tensor([min(255, max(1, (step * scale + 50) // 100)) for step in table])
    return steps.view(SIDE, SIDE)


def cosines() -> Tensor:
    """The orthonormal cosine transform (8, 8): a row for each frequency."""
    place, frequency = torch.arange(SIDE, dtype=torch.float64), torch.arange(SIDE, dtype=torch.float64)
    waves = torch.cos(math.pi * (2 * place[None] + 1) * frequency[:, None] / (2 * SIDE))
    return waves * torch.where(frequency == 0, math.sqrt(1 / SIDE), math.sqrt(2 / SIDE))[:, None]


def _through_blocks(planes: Tensor, steps: Tensor) -> Tensor:
    """Planes (N, C, H, W), each block's frequencies rounded to multiples of `steps` (C, 8, 8)."""
    height, breadth = planes.shape[2:]
    down, right = -height % SIDE, -breadth % SIDE
    padded = F.pad(planes, (0, right, 0, down), mode="replicate")
    blocks = padded.unfold(2, SIDE, SIDE).unfold(3, SIDE, SIDE)  # (N, C, rows, columns, 8, 8)
    waves = to_like(cosines(), planes)
    steps = steps[:, None, None]
    frequencies = _quantised(waves @ blocks @ waves.T / steps) * steps
    restored = waves.T @ frequencies @ waves
    whole = restored.permute(0, 1, 2, 4, 3, 5).reshape(padded.shape)
    return whole[:, :, :height, :breadth]


def _quantised(values: Tensor) -> Tensor:
    """The nearest whole numbers, halves away from 0 (flat blocks have many); the gradient is the identity's."""
    magnitude = (values.detach().abs() + 0.5 + TIE).floor()
    return replaced(values, magnitude * values.detach().sign())


def _mixed(planes: Tensor, weights: Tensor) -> Tensor:
    """Planes (N, 3, H, W) times a matrix (3, 3) of colours."""
    return torch.einsum("ij,njhw->nihw", to_like(weights, planes), planes)


def _centres(planes: Tensor) -> Tensor:
    """The offset that makes differences of colour positive: 128 for the second and third plane."""
    count = planes.shape[1]
    centres = torch.tensor([0.0] + [128.0] * (count - 1) if count == 3 else [0.0] * count)
    return to_like(centres, planes).view(-1, 1, 1)
