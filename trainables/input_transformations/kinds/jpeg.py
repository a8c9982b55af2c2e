"""Compression by JPEG and back (Dziugaite et al., 2016; Das et al., 2018)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainables.input_transformations.kind import TransformationKind

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from trainables.input_transformations.strengths import Strengths


def compress(strengths: Strengths, images: Tensor, generator: torch.Generator | None, apart: bool) -> Tensor:
    """Images after JPEG of `jpeg_quality`; rounding has the gradient of the identity (BPDA)."""
    from trainables.input_transformations.jpeg import compressed

    return compressed(images, strengths.jpeg_quality)


JPEG = TransformationKind("jpeg", "compression by JPEG without subsampled colours", compress)
