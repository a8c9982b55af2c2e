"""ResNet-18 for small images, of any width."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock

from trainables.models.denoising import make_denoising, through_stages
from trainables.models.initial import he_init
from trainables.models.multi_task import MultiTaskNetwork


class MultiTaskResNet18(MultiTaskNetwork):
    """A 3×3 stem without pooling, four stages of two basic blocks (w, 2w, 4w, 8w channels), and a head per task.

    `shape`: (C, H, W) of the images. `classes`: how many of each task, the main one first. `width` 64 is the customary
    network. The blocks are torchvision's; its ResNet, like timm's, only allows 64 channels in the first stage.
    `denoising`: the operation of a denoising block after each stage, or `none`.
    """

    def __init__(self, shape: Sequence[int], classes: Sequence[int], width: int, denoising: str = "none") -> None:
        super().__init__()
        self.stem = nn.Conv2d(shape[0], width, kernel_size=3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.relu = nn.ReLU()
        stages = [width, 2 * width, 4 * width, 8 * width]
        blocks: list[nn.Module] = []
        for stage, (before, channels) in enumerate(zip([width, *stages], stages, strict=False)):
            blocks += [_block(before, channels, stride=1 if stage == 0 else 2), _block(channels, channels, stride=1)]
        self.blocks = nn.Sequential(*blocks)
        he_init(self)
        self.make_heads(stages[-1], classes)
        self.denoising = make_denoising(denoising, stages)  # last, so that the rest is the same with and without

    def trunk(self, images: Tensor) -> Tensor:
        """Features (N, 8w) of images (N, C, H, W) in [0, 1]."""
        features = through_stages(self.blocks, self.denoising, self.relu(self.norm(self.stem(images))))
        return features.mean(dim=(2, 3))


def _block(before: int, channels: int, stride: int) -> nn.Module:
    shortcut = None
    if stride != 1 or before != channels:
        shortcut = nn.Sequential(nn.Conv2d(before, channels, 1, stride, bias=False), nn.BatchNorm2d(channels))
    block: nn.Module = BasicBlock(before, channels, stride, shortcut)
    return block
