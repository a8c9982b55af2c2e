"""Random resizing and padding (Xie et al., 2018)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainables.input_transformations.kind import TransformationKind

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from trainables.input_transformations.strengths import Strengths


def resize(strengths: Strengths, images: Tensor, generator: torch.Generator | None, apart: bool) -> Tensor:
    """Images shrunk by at most `resize_share` of their side to one size, at a random place of a black frame.

    All images of a call have one size and place. In Xie et al. images grow instead; here networks keep their input.
    """
    import torch
    import torch.nn.functional as F

    drawn = torch.rand(3, generator=generator).tolist()
    height, breadth = images.shape[2:]
    share = 1 - strengths.resize_share * drawn[0]
    size = max(1, round(share * height)), max(1, round(share * breadth))
    smaller = F.interpolate(images, size=size, mode="bilinear", align_corners=False)
    down, right = (
        int(draw * (side - own + 1)) for draw, side, own in zip(drawn[1:], (height, breadth), size, strict=True)
    )
    return F.pad(smaller, (right, breadth - size[1] - right, down, height - size[0] - down))


RANDOM_RESIZE = TransformationKind(
    "random_resize", "shrunk to a random size at a random place (Xie et al., 2018)", resize, is_random=True
)
