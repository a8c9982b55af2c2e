"""LeNet with hard parameter sharing: one trunk, one linear head per task (S3, section 3.1)."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from trainables.models.first_layer import FirstConv2d
from trainables.models.multi_task import MultiTaskNetwork
from trainables.models.sizes import too_small


class MultiTaskLeNet(MultiTaskNetwork):
    """Two 5×5 convolutions (2w and 4w channels), each max-pooled, a hidden layer of 64w units, and a head per task.

    `shape`: (C, H, W) of the images, H and W at least 4. `classes`: how many of each task, the main one first.
    `width` 16 is the network of S3's official code (32/64 channels, 1024 units).
    """

    def __init__(self, shape: Sequence[int], classes: Sequence[int], width: int) -> None:
        super().__init__()
        channels, height, breadth = shape
        if problem := too_small("lenet", height, breadth):
            raise ValueError(problem)
        # padding 2 keeps the size, so that 8×8 digits survive both pools and 28×28 ends at 7×7 as in Madry's LeNet
        self.conv1 = FirstConv2d(channels, 2 * width, kernel_size=5)
        self.conv2 = nn.Conv2d(2 * width, 4 * width, kernel_size=5, padding=2)
        self.hidden = nn.Linear(4 * width * (height // 4) * (breadth // 4), 64 * width)
        self.relus = nn.ModuleList(nn.ReLU() for _ in range(3))  # modules, as guided backpropagation hooks them
        self.make_heads(64 * width, classes)

    def trunk(self, images: Tensor) -> Tensor:
        """Features (N, 64w) of images (N, C, H, W) in [0, 1]."""
        # pooling first gives the same features and gradients, and leaves the ReLU a quarter of the work
        features = self.relus[0](F.max_pool2d(self.conv1(images), 2))
        features = self.relus[1](F.max_pool2d(self.conv2(features), 2))
        hidden: Tensor = self.relus[2](self.hidden(features.flatten(1)))
        return hidden
