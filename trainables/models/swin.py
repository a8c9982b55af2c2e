"""timm's Swin Transformer for images of any size, with ImageNet's weights or without."""

from __future__ import annotations

from collections.abc import Sequence

import timm
from timm.models.swin_transformer import SwinTransformer

from trainables.models.swin_sizes import CUSTOMARY_WIDTH, DEPTHS, swin_geometry, swin_heads


def build_swin(
    variant: str, shape: Sequence[int], width: int, pretrained: bool, stages: int = 4, *, what: str | None = None
) -> SwinTransformer:
    """timm's `swin_tiny` or `swin_small`, its first `stages`, without a head, for images (C, H, W).

    `width` is the embedding dimension. Stochastic depth is off: a GAN's losses share one forward pass. `what` is the
    name that errors give the network. Raises `ValueError` where `pretrained` weights don't fit or are not available.
    """
    what = what or variant
    if pretrained and (width != CUSTOMARY_WIDTH or stages != len(DEPTHS[variant])):
        raise ValueError(
            f"ImageNet's weights are for a {variant} of width {CUSTOMARY_WIDTH} and {len(DEPTHS[variant])} levels, not "
            f"for a {what} of width {width} and {stages} levels; set pretrained: false, or these sizes"
        )
    geometry = swin_geometry(shape, stages)
    name = f"{variant}_patch4_window7_224"
    try:
        swin = timm.create_model(
            name,
            pretrained=pretrained,
            img_size=tuple(shape[1:]),
            patch_size=geometry.patch,
            window_size=geometry.window,
            in_chans=shape[0],
            num_classes=0,
            embed_dim=width,
            depths=DEPTHS[variant][:stages],
            num_heads=swin_heads(width, stages),
            drop_path_rate=0.0,
        )
    except Exception as error:  # the hub's client, its transport and the file's reader have different errors
        if not pretrained:
            raise
        raise ValueError(
            f"{what} was to start from ImageNet's weights ({name} of timm), which are neither in this machine's cache "
            f"nor downloadable ({type(error).__name__}: {str(error).splitlines()[0][:200] if str(error) else ''}); "
            "set pretrained: false to start from random weights, or download them on a machine with network access"
        ) from error
    assert isinstance(swin, SwinTransformer)
    return swin
