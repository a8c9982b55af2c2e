"""Wide ResNet (Zagoruyko and Komodakis, 2016), with either rule for its depth."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from trainables.models.denoising import make_denoising, through_stages
from trainables.models.initial import he_init
from trainables.models.multi_task import MultiTaskNetwork
from trainables.models.sizes import blocks_per_stage


class MultiTaskWideResNet(MultiTaskNetwork):
    """A 3×3 stem of 16 channels, three stages of pre-activated blocks (16k, 32k, 64k channels), and a head per task.

    `shape`: (C, H, W) of the images. `classes`: how many of each task, the main one first. `width` is the factor k,
    `depth_rule`: how many blocks a `depth` has (see `blocks_per_stage`). torchvision's and timm's wide ResNets are
    other networks, of bottlenecks for large images. `denoising`: the operation of a denoising block after each stage,
    or `none`.
    """

    def __init__(
        self,
        shape: Sequence[int],
        classes: Sequence[int],
        width: int,
        depth: int,
        depth_rule: str,
        denoising: str = "none",
    ) -> None:
        super().__init__()
        self.stem = nn.Conv2d(shape[0], 16, kernel_size=3, padding=1, bias=False)
        blocks: list[nn.Module] = []
        before = 16
        for stage in range(3):
            channels = 16 * width * 2**stage
            for block in range(blocks_per_stage(depth, depth_rule)):
                blocks.append(PreActivatedBlock(before, channels, stride=2 if stage and not block else 1))
                before = channels
        self.blocks = nn.Sequential(*blocks)
        self.norm = nn.BatchNorm2d(before)
        self.relu = nn.ReLU()
        he_init(self)
        self.make_heads(before, classes)
        stages = [16 * width * 2**stage for stage in range(3)]
        self.denoising = make_denoising(denoising, stages)  # last, so that the rest is the same with and without

    def trunk(self, images: Tensor) -> Tensor:
        """Features (N, 64k) of images (N, C, H, W) in [0, 1]."""
        features: Tensor = through_stages(self.blocks, self.denoising, self.stem(images))
        activations: Tensor = self.relu(self.norm(features))
        return activations.mean(dim=(2, 3))


class PreActivatedBlock(nn.Module):
    """Twice norm, ReLU and 3×3 convolution, added to the input, or to its projection where the shape changes."""

    def __init__(self, before: int, channels: int, stride: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(before)
        self.relu1 = nn.ReLU()
        self.conv1 = nn.Conv2d(before, channels, kernel_size=3, stride=stride, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        self.relu2 = nn.ReLU()
        self.conv2 = nn.Conv2d(channels, channels, kernel_size=3, padding=1, bias=False)
        same = before == channels and stride == 1
        self.projection = None if same else nn.Conv2d(before, channels, kernel_size=1, stride=stride, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        """Features (N, channels, H / stride, W / stride) of features (N, before, H, W)."""
        active = self.relu1(self.norm1(images))
        features: Tensor = self.conv2(self.relu2(self.norm2(self.conv1(active))))
        return features + (images if self.projection is None else self.projection(active))
