"""Build the generator of a name and its sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from trainables.models.generators.generator import Generator
from trainables.models.generators.sizes import unfit


def build_generator(
    kind: Literal["cnn_unet", "swin_unet"],
    shape: Sequence[int],
    *,
    width: int,
    levels: int = 4,
    noise_channels: int = 1,
    noise_dim: int = 16,
    dropout: float = 0.5,
    quantised: bool = False,
    residual: bool = True,
    upsampling: Literal["nearest", "expand"] = "nearest",
    pretrained: bool = False,
    norm: Literal["group", "batch"] = "group",
) -> Generator:
    """A generator for images (C, H, W); weights are drawn from torch's global generator.

    `width`: channels at full size, or a Swin UNet's embedding dimension. `levels`: downsamplings, or a Swin UNet's
    stages. `noise_channels` 0: no noise, `dropout` 0: no dropout. `pretrained` is for a Swin UNet's encoder.
    Raises `ValueError` for images that can't be halved so often, and for pretrained weights that are not available.
    """
    if problem := unfit(kind, shape, levels):
        raise ValueError(problem)
    # imported on use: timm takes seconds
    if kind == "cnn_unet":
        from trainables.models.generators.unet import CnnUNet

        if pretrained:
            raise ValueError("there are no pretrained weights of a cnn_unet; set pretrained: false, or use a swin_unet")
        return CnnUNet(
            shape,
            width=width,
            levels=levels,
            noise_channels=noise_channels,
            noise_dim=noise_dim,
            dropout=dropout,
            quantised=quantised,
            residual=residual,
            upsampling=upsampling,
            norm=norm,
        )
    if kind == "swin_unet":
        from trainables.models.generators.swin_unet import SwinUNet

        return SwinUNet(
            shape,
            width=width,
            levels=levels,
            noise_channels=noise_channels,
            noise_dim=noise_dim,
            dropout=dropout,
            quantised=quantised,
            residual=residual,
            upsampling=upsampling,
            pretrained=pretrained,
            norm=norm,
        )
    raise ValueError(f"{kind!r} is not a generator; choose cnn_unet or swin_unet")
