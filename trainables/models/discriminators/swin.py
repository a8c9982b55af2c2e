"""Swin-Tiny and Swin-Small of any width (Liu et al., 2021), timm's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from trainables.models.discriminators.discriminator import Discriminator
from trainables.models.normalisation import Standardised
from trainables.models.swin import build_swin


class Swin(Discriminator):
    """Four stages of Swin blocks of w, 2w, 4w and 8w channels, and a linear head on the mean over places.

    `shape`: (C, H, W) of the images; patches are 4×4 pixels from 100 pixels a side up, else 2×2. `width` 96 is the
    customary network. All norms are LayerNorms.
    """

    channels_last_stages = frozenset({"stage1", "stage2", "stage3", "stage4"})

    def __init__(self, kind: str, shape: Sequence[int], classes: int, *, width: int, pretrained: bool = False) -> None:
        super().__init__()
        self.standardised = Standardised(shape[0])
        self.swin = build_swin(kind, shape, width, pretrained)
        self.head = nn.Linear(self.swin.num_features, classes)

    def features(self, images: Tensor) -> Tensor:
        """Features (N, 8w), means over the last stage's places, of images (N, C, H, W) in [0, 1]."""
        places: Tensor = self.swin.forward_features(self.standardised(images))
        return places.mean(dim=(1, 2))

    @property
    def stages(self) -> Mapping[str, nn.Module]:
        """`stage1` to `stage4`; outputs (N, h, w, C)."""
        return {f"stage{index}": stage for index, stage in enumerate(self.swin.layers, start=1)}
