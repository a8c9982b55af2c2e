"""A median filter (feature squeezing: Xu et al., 2018)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainables.input_transformations.kind import TransformationKind

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from trainables.input_transformations.strengths import Strengths


def take_medians(strengths: Strengths, images: Tensor, generator: torch.Generator | None, apart: bool) -> Tensor:
    """Each pixel's median over a window of `median_size` a side; the gradient is that of the window's mean (BPDA).

    A median's own gradient reaches only one pixel of the window, so that a step of an attack changes little.
    Windows are mirrored at the border. For an even count the lower of both middle values is taken.
    """
    import torch.nn.functional as F

    from trainables.input_transformations.straight_through import replaced

    size = strengths.median_size
    before, after = (size - 1) // 2, size // 2
    padded = F.pad(images, (before, after, before, after), mode="reflect")
    windows = padded.detach().unfold(2, size, 1).unfold(3, size, 1).flatten(4)
    return replaced(F.avg_pool2d(padded, size, stride=1), windows.median(dim=4).values)


MEDIAN_FILTER = TransformationKind("median_filter", "medians of small windows (Xu et al., 2018)", take_medians)
