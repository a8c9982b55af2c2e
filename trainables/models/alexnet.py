"""AlexNet (Krizhevsky, 2014), of any width and for images of any size from 21 pixels up."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from trainables.models.multi_task import MultiTaskNetwork
from trainables.models.sizes import alexnet_maps, alexnet_stride


class MultiTaskAlexNet(MultiTaskNetwork):
    """Five convolutions (w, 3w, 6w, 4w, 4w channels), two hidden layers of 64w units with dropout, a head per task.

    `shape`: (C, H, W) of the images, at least 21 pixels a side. `classes`: how many of each task, the main one first.
    `width` 64 at 224 pixels is torchvision's network, which has a fixed width; its first stride of 4 and last maps of
    6×6 are smaller here as smaller images require, instead of repeating pixels.
    """

    def __init__(self, shape: Sequence[int], classes: Sequence[int], width: int, dropout: float = 0.5) -> None:
        super().__init__()
        channels, height, breadth = shape
        stride = alexnet_stride(height, breadth)
        maps = alexnet_maps(height, breadth)[-1]
        self.convolutions = nn.ModuleList(
            [
                nn.Conv2d(channels, width, kernel_size=11, stride=stride, padding=2),
                nn.Conv2d(width, 3 * width, kernel_size=5, padding=2),
                nn.Conv2d(3 * width, 6 * width, kernel_size=3, padding=1),
                nn.Conv2d(6 * width, 4 * width, kernel_size=3, padding=1),
                nn.Conv2d(4 * width, 4 * width, kernel_size=3, padding=1),
            ]
        )
        self.relus = nn.ModuleList(nn.ReLU() for _ in self.convolutions)
        self.pool = nn.AdaptiveAvgPool2d(maps)
        self.hidden = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(4 * width * maps[0] * maps[1], 64 * width),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(64 * width, 64 * width),
            nn.ReLU(),
        )
        self.make_heads(64 * width, classes)

    def trunk(self, images: Tensor) -> Tensor:
        """Features (N, 64w) of images (N, C, H, W) in [0, 1]."""
        features = images
        for index, convolution in enumerate(self.convolutions):
            features = convolution(features)
            if index in (0, 1, 4):  # pooling first gives the same features and leaves the ReLU less to do
                features = F.max_pool2d(features, kernel_size=3, stride=2)
            features = self.relus[index](features)
        hidden: Tensor = self.hidden(self.pool(features).flatten(1))
        return hidden
