"""How similarly a generator changes images: reported by measurements, and a possible term of the loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

LEAST = 1e-12
"""Lower bound of the divisor, for the case without any change."""


def sameness(total: Tensor, squares: Tensor, count: Tensor | int) -> Tensor:
    """The squared norm of the mean of `count` changes as a share of their mean squared norm, between 0 and 1, ().

    `total`: the changes' sum, of any shape; `squares`: (), the sum of their squared norms. It is 1 if every image is
    changed in the same way, about 1 / `count` if no two changes agree, less if they cancel, and 0 without any change.
    """
    return total.square().sum() / (count * squares).clamp(min=LEAST)
