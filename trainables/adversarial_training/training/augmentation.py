"""Random crops and mirrored images (He et al., 2016), redrawn for every image in every epoch."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from trainables.device.transfer import to_device
from trainables.models.memory_layout import in_usual_layout
from trainables.randomness import Share, stream

PADDED_SHARE = 8
"""The border is an eighth of a side, as the customary 4 of 32 pixels, and black."""


class CropFlip:
    """Crops and mirrors one epoch's batches; ranks draw for the whole batch, and each takes its own part.

    `mirrored`: whether every second image is, which digits and signs must not be.
    """

    def __init__(self, seed: int, epoch: int, share: Share | None = None, *, mirrored: bool = True) -> None:
        self.share, self.mirrored = share or Share(), mirrored
        self.draws = stream(seed, "augmentation", epoch)

    def __call__(self, images: Tensor, whole: int | None = None) -> Tensor:
        """Images (N, C, H, W), each moved by at most an eighth of its size, every second one mirrored."""
        count, _, height, breadth = images.shape
        whole_batch = torch.rand(count if whole is None else whole, 3, generator=self.draws)
        drawn = to_device(self.share.of(whole_batch), images.device)
        down, right = height // PADDED_SHARE, breadth // PADDED_SHARE
        rows = self._window(drawn[:, 0], height, down)
        columns = self._window(drawn[:, 1], breadth, right)
        if self.mirrored:
            columns = torch.where(drawn[:, 2:] < 0.5, columns, columns.flip(1))
        padded = F.pad(images, (right, right, down, down))
        each = torch.arange(count, device=images.device)[:, None, None]
        return in_usual_layout(padded[each, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2))

    @staticmethod
    def _window(drawn: Tensor, side: int, border: int) -> Tensor:
        """The rows or columns, (N, side), that are kept of each padded image."""
        first = (drawn * (2 * border + 1)).long()
        return first[:, None] + torch.arange(side, device=drawn.device)
