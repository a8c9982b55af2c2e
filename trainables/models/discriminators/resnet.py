"""ResNet3, ResNet-18 and ResNet-50 of any width, of timm's blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import timm
import torch.nn.functional as F
from timm.models.resnet import BasicBlock, Bottleneck
from torch import Tensor, nn

from trainables.models.discriminators.discriminator import Discriminator
from trainables.models.discriminators.sizes import BOTTLENECKS, CUSTOMARY_WIDTH, RESNET_DEPTHS, large
from trainables.models.initial import he_init
from trainables.models.normalisation import Standardised, make_norm


class ResNet(Discriminator):
    """A stem, stages of w, 2w, 4w … channels (four times that in ResNet-50), and a linear head on their mean.

    ResNet3, which S1 doesn't define, has three stages of one basic block each. `shape`: (C, H, W) of the images: the
    stem is 7×7 with stride 2 and a max-pool from 100 pixels a side up, else 3×3 with neither. timm's own ResNet has
    64 channels in its stem and no others; its weights fit this one of width 64.
    """

    def __init__(
        self, kind: str, shape: Sequence[int], classes: int, *, width: int, norm: str, pretrained: bool = False
    ) -> None:
        super().__init__()
        self.standardised = Standardised(shape[0])
        self.large = large(shape)
        kernel = 7 if self.large else 3

        def make(channels: int, **where: Any) -> nn.Module:
            return make_norm(norm, channels, **where)

        self.conv1 = nn.Conv2d(shape[0], width, kernel, stride=2 if self.large else 1, padding=kernel // 2, bias=False)
        self.bn1 = make(width)
        block: type[BasicBlock] | type[Bottleneck] = Bottleneck if kind in BOTTLENECKS else BasicBlock
        before = width
        self.names = []
        for stage, depth in enumerate(RESNET_DEPTHS[kind]):
            planes = width * 2**stage
            after = planes * block.expansion
            blocks: list[nn.Module] = []
            for index in range(depth):
                stride = 2 if stage and not index else 1
                shortcut = None
                if stride != 1 or before != after:
                    shortcut = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), make(after))
                # any callable that makes a module
                blocks.append(block(before, planes, stride, shortcut, norm_layer=make))  # type: ignore[arg-type]
                before = after
            self.names.append(f"layer{stage + 1}")
            self.add_module(self.names[-1], nn.Sequential(*blocks))
        he_init(self)
        self.head = nn.Linear(before, classes)
        if pretrained:
            self._load(kind, shape, width, norm)

    def features(self, images: Tensor) -> Tensor:
        """Features (N, F), means over the last stage's places, of images (N, C, H, W) in [0, 1]."""
        features = F.relu(self.bn1(self.conv1(self.standardised(images))))
        if self.large:
            features = F.max_pool2d(features, kernel_size=3, stride=2, padding=1)
        for stage in self.stages.values():
            features = stage(features)
        return features.mean(dim=(2, 3))

    @property
    def stages(self) -> Mapping[str, nn.Module]:
        """`stage1` to `stage4`, or to `stage3` of a ResNet3; outputs (N, C, h, w)."""
        return {name.replace("layer", "stage"): self.get_submodule(name) for name in self.names}

    def _load(self, kind: str, shape: Sequence[int], width: int, norm: str) -> None:
        if kind == "resnet3":
            raise ValueError("there are no pretrained weights of a resnet3; set pretrained: false")
        if (width, norm) != (CUSTOMARY_WIDTH, "batch") or not self.large:
            raise ValueError(
                f"ImageNet's weights are for a {kind} of width {CUSTOMARY_WIDTH} with norm batch and images of 100 "
                f"pixels a side or more, not for width {width}, norm {norm} and {shape[1]}×{shape[2]} pixels; "
                "set pretrained: false"
            )
        try:
            theirs = timm.create_model(kind, pretrained=True, in_chans=shape[0], num_classes=0).state_dict()
        except Exception as error:  # the hub's client, its transport and the file's reader have different errors
            raise ValueError(
                f"{kind} was to start from ImageNet's weights, which are neither in this machine's cache nor "
                f"downloadable ({type(error).__name__}); set pretrained: false to start from random weights"
            ) from error
        self.load_state_dict(theirs | {f"head.{name}": value for name, value in self.head.state_dict().items()})
