"""Fewer grey levels (feature squeezing: Xu et al., 2018)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainables.input_transformations.kind import TransformationKind

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from trainables.input_transformations.strengths import Strengths


def reduce_depth(strengths: Strengths, images: Tensor, generator: torch.Generator | None, apart: bool) -> Tensor:
    """Pixels rounded to 2 ** `squeezed_bits` levels from 0 to 1; the gradient is that of the identity (BPDA)."""
    from trainables.input_transformations.straight_through import rounded

    steps = 2**strengths.squeezed_bits - 1
    squeezed: Tensor = rounded(images * steps) / steps
    return squeezed


BIT_DEPTH = TransformationKind("bit_depth", "fewer grey levels (Xu et al., 2018)", reduce_depth)
