"""The type of a transformation of input: a file of `kinds` with one at its top level adds one. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from trainables.input_transformations.strengths import Strengths


@dataclass(frozen=True)
class TransformationKind:
    """A transformation of pixels (N, C, H, W) in [0, 1]; `says` is a clause for the description of the hyperparameter.

    `transform`: takes the strengths, images, a generator (None: torch's global one) and whether every image has its own
    draw, and returns the transformed images, of the same shape. It has a gradient everywhere: its own, or where
    that is zero or undefined an estimate (BPDA: Athalye et al., 2018). `is_random`: it draws.
    """

    name: str
    says: str
    transform: Callable[[Strengths, Tensor, torch.Generator | None, bool], Tensor]
    is_random: bool = False
