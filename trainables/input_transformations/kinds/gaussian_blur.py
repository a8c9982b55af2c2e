"""A Gaussian blur, which removes what changes from pixel to pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainables.input_transformations.kind import TransformationKind

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from trainables.input_transformations.strengths import Strengths


def blur(strengths: Strengths, images: Tensor, generator: torch.Generator | None, apart: bool) -> Tensor:
    """Images convolved with a normal kernel of `blur_sigma` pixels, mirrored at the border; it has its own gradient."""
    import torch

    from trainables.datasets.augmentation.blur import BLURRED, blurred

    all_of_them = torch.full((len(images),), BLURRED / 2, device=images.device)
    whole = torch.ones(len(images), device=images.device)
    return blurred(images, all_of_them, whole, strengths.blur_sigma)


GAUSSIAN_BLUR = TransformationKind("gaussian_blur", "a blur", blur)
