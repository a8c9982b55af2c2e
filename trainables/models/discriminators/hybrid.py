"""ResNet3 and Swin-Tiny in one discriminator (S1, 3.1.2: "Hybrid")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from trainables.models.discriminators.discriminator import Discriminator
from trainables.models.discriminators.resnet import ResNet
from trainables.models.discriminators.sizes import hybrid_swin_width
from trainables.models.discriminators.swin import Swin


class Hybrid(Discriminator):
    """The features of both networks, concatenated, and one linear head (`features`), or the mean of two (`logits`).

    S1 doesn't say how the networks are joined. `width` is ResNet3's; Swin-Tiny's is half as much again, as the
    customary 96 is of 64. Both ways can compute the same functions; they differ in the size of weights and steps.
    """

    channels_last_stages = frozenset(f"swin_tiny.stage{stage}" for stage in range(1, 5))

    def __init__(
        self,
        shape: Sequence[int],
        classes: int,
        *,
        width: int,
        norm: str,
        fusion: str,
        pretrained: bool = False,
    ) -> None:
        super().__init__()
        if fusion not in ("features", "logits"):
            raise ValueError(f"{fusion!r} is not a fusion; choose features or logits")
        self.resnet3 = ResNet("resnet3", shape, classes, width=width, norm=norm)
        self.swin_tiny = Swin("swin_tiny", shape, classes, width=hybrid_swin_width(width), pretrained=pretrained)
        heads = [part.head for part in (self.resnet3, self.swin_tiny) if isinstance(part.head, nn.Linear)]
        self.resnet3.head, self.swin_tiny.head = nn.Identity(), nn.Identity()
        joined = sum(head.in_features for head in heads)
        self.head = MeanOfHeads(heads) if fusion == "logits" else nn.Linear(joined, classes)

    def features(self, images: Tensor) -> Tensor:
        """Features (N, F) of images (N, C, H, W) in [0, 1], ResNet3's first."""
        return torch.cat([self.resnet3.features(images), self.swin_tiny.features(images)], dim=1)

    @property
    def stages(self) -> Mapping[str, nn.Module]:
        """`resnet3.stage1` to `resnet3.stage3` and `swin_tiny.stage1` to `swin_tiny.stage4`."""
        parts = {"resnet3": self.resnet3, "swin_tiny": self.swin_tiny}
        return {f"{name}.{stage}": module for name, part in parts.items() for stage, module in part.stages.items()}


class MeanOfHeads(nn.Module):
    """The mean of two heads' logits, each from its part of the features."""

    def __init__(self, heads: Sequence[nn.Linear]) -> None:
        super().__init__()
        self.heads = nn.ModuleList(heads)
        self.features = [head.in_features for head in heads]

    def forward(self, features: Tensor) -> Tensor:
        """Logits (N, classes) of concatenated features (N, F)."""
        parts = torch.split(features, self.features, dim=1)
        return torch.stack([head(part) for head, part in zip(self.heads, parts, strict=True)]).mean(dim=0)
