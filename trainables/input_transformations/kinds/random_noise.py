"""Normal noise on the input, a random defence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainables.input_transformations.kind import TransformationKind

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from trainables.input_transformations.strengths import Strengths


def add_noise(strengths: Strengths, images: Tensor, generator: torch.Generator | None, apart: bool) -> Tensor:
    """Images plus normal noise of standard deviation `preprocessing_noise`; one draw for all unless `apart`."""
    import torch

    from trainables.device.transfer import to_device

    shape = images.shape if apart else (1, *images.shape[1:])
    drawn = to_device(torch.randn(shape, generator=generator, dtype=images.dtype), images.device)
    return images + strengths.preprocessing_noise * drawn


RANDOM_NOISE = TransformationKind(
    "random_noise", "normal noise, redrawn, and not clipped to [0, 1]", add_noise, is_random=True
)
