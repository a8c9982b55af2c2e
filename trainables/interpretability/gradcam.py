"""GradCAM (Selvaraju et al. 2017), S1's baseline for saliency maps, on Captum."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from trainables.attacks.frozen import frozen


def gradcam(
    model: nn.Module,
    stage: nn.Module,
    images: Tensor,
    classes: Tensor | int,
    *,
    channels_last: bool = False,
    batch: int = 64,
) -> Tensor:
    """Maps (N, H, W) of the images' size, 0 and above, enlarged bilinearly: what supports `classes` in `stage`.

    `model`: images (N, C, H, W) → (N, logits), used in eval mode. `stage`: a module of it, whose output is
    (N, C, h, w) or with `channels_last` (N, h, w, C), as Swin's are. `classes`: one for all images or (N,).
    """
    from captum.attr import LayerAttribution, LayerGradCam  # here, because importing it takes a second

    each = torch.full((len(images),), classes) if isinstance(classes, int) else classes
    if len(each) != len(images):
        raise ValueError(f"{len(each)} classes for {len(images)} images")
    size = (images.shape[2], images.shape[3])
    parts = []
    with frozen(model), _channels_first(stage, channels_last) as layer:
        captum = LayerGradCam(model, layer)
        for some, wanted in zip(torch.split(images, batch), torch.split(each, batch), strict=True):
            maps = captum.attribute(some.detach().clone(), wanted.to(images.device), relu_attributions=True)
            if maps.ndim != 4:
                raise ValueError(
                    f"the stage's output has {maps.ndim} axes; GradCAM needs (N, C, h, w), or (N, h, w, C) with "
                    "channels_last"
                )
            parts.append(LayerAttribution.interpolate(maps.detach(), size, interpolate_mode="bilinear")[:, 0])
    return torch.cat(parts) if parts else images.new_zeros(0, *size)


@contextmanager
def _channels_first(stage: nn.Module, channels_last: bool) -> Iterator[nn.Module]:
    """A module whose output is the stage's with channels in front, where Captum expects them."""
    if not channels_last:
        yield stage
        return
    identity = nn.Identity()

    def through(module: nn.Module, inputs: object, output: Tensor) -> Tensor:
        turned: Tensor = identity(output.permute(0, 3, 1, 2))
        return turned.permute(0, 2, 3, 1)

    handle = stage.register_forward_hook(through)
    try:
        yield identity
    finally:
        handle.remove()
