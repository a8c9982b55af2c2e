"""How alike a generator changes images: what measurements report and what training may hold down."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

LEAST = 1e-12
"""Of a divisor: without any change there is nothing to be alike."""


def sameness(total: Tensor, squares: Tensor, count: Tensor | int) -> Tensor:
    """The squared norm of the mean of `count` changes as a share of their mean squared norm, between 0 and 1, ().

    `total`: the changes' sum, of any shape; `squares`: (), the sum of their squared norms. It is 1 where every image is
    changed alike, about 1 / `count` if no two changes agree, less where they cancel, and 0 without any change.
    """
    return total.square().sum() / (count * squares).clamp(min=LEAST)
