"""Change a batch of images, and their masks with them."""

from __future__ import annotations

from typing import overload

import torch
from torch import Tensor

from trainables.datasets.augmentation.blur import blurred
from trainables.datasets.augmentation.colour import brightened, hue_turned
from trainables.datasets.augmentation.geometry import moved, placements
from trainables.datasets.augmentation.strengths import Strengths
from trainables.device.transfer import to_device
from trainables.randomness import BatchPart


@overload
def augment(
    images: Tensor,
    generator: torch.Generator,
    strengths: Strengths | None = ...,
    masks: None = ...,
    part: BatchPart | None = ...,
) -> Tensor: ...


@overload
def augment(
    images: Tensor,
    generator: torch.Generator,
    strengths: Strengths | None = ...,
    *,
    masks: Tensor,
    part: BatchPart | None = ...,
) -> tuple[Tensor, Tensor]: ...


def augment(
    images: Tensor,
    generator: torch.Generator,
    strengths: Strengths | None = None,
    masks: Tensor | None = None,
    part: BatchPart | None = None,
) -> Tensor | tuple[Tensor, Tensor]:
    """Images (N, C, H, W) float32 in [0, 1], each changed individually (S1, 4.2); as tuple with their masks, if given.

    `masks` (N, H, W) of any type move with their images, and keep their values. What is drawn depends only on the
    generator and N: not on what is changed, nor on the images. The generator's device may be another one. With a
    `part` of a batch that ranks share, the draw is for the whole batch.
    """
    strengths = strengths or Strengths()
    count, _, height, width = images.shape

    # one draw for everything: eight numbers for each image's geometry, and four for its appearance
    def draw(images_drawn_for: int) -> Tensor:
        return torch.rand(images_drawn_for, 12, generator=generator, device=generator.device)

    drawn = to_device(draw(count) if part is None else part.rows(draw), images.device)
    grid_of = placements(drawn[:, :8], strengths, square=height == width)
    changed = images if grid_of is None else moved(images, grid_of, "bilinear")
    changed = blurred(changed, drawn[:, 8], drawn[:, 9], strengths.blur)
    changed = hue_turned(changed, drawn[:, 10], strengths.hue)
    changed = brightened(changed, drawn[:, 11], strengths.brightness)
    if masks is None:
        return changed
    if grid_of is None:
        return changed, masks
    return changed, moved(masks[:, None].to(images.dtype), grid_of, "nearest")[:, 0].to(masks.dtype)
