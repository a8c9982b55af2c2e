"""The L∞ projection onto a hyperplane within the box of images, for FAB (Croce and Hein, 2020b)."""

from __future__ import annotations

import torch
from torch import Tensor


def steps_to_hyperplane(points: Tensor, normals: Tensor, values: Tensor) -> Tensor:
    """The smallest steps δ in the L∞ norm with `values` + `normals` · δ = 0 and `points` + δ in [0, 1], (n, C, H, W).

    `points` and `normals`: (n, C, H, W); `values`: (n,), of the linear function at the points. If the box doesn't
    meet the hyperplane, the step goes to the corner that comes nearest. Pixels whose normal is 0 stay.
    """
    slopes = normals.abs()
    directions = torch.sign(normals) * torch.where(values >= 0, -1.0, 1.0).to(normals.dtype).reshape(-1, 1, 1, 1)
    rooms = torch.where(directions > 0, 1 - points, points)
    size = _common_size(slopes.flatten(1), rooms.flatten(1), values.abs())
    return directions * torch.minimum(rooms, size.reshape(-1, 1, 1, 1))


def _common_size(slopes: Tensor, rooms: Tensor, gaps: Tensor) -> Tensor:
    """The λ with Σ slope · min(room, λ) = gap of each row, ∞ where no λ is enough.

    The sum is concave in λ and linear between rooms, so Newton's method from below ends at the exact root, after as
    many steps as it meets pieces: about eight, each with less than a tenth of the cost of sorting to find the piece.
    """
    reachable = (slopes * rooms).sum(1) > gaps
    size = gaps / slopes.sum(1)
    full = torch.full_like(size, -1)
    for _ in range(rooms.shape[1]):
        beyond = rooms > size.unsqueeze(1)
        still_free = beyond.sum(1).to(size.dtype)
        if torch.equal(still_free, full):
            break
        full = still_free
        free = (slopes * beyond).sum(1)
        missing = gaps - (slopes * torch.minimum(rooms, size.unsqueeze(1))).sum(1)
        size = torch.where(reachable & (free > 0) & (missing > 0), size + missing / free, size)
    return torch.where(reachable, size, torch.inf)
