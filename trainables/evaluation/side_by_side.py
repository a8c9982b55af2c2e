"""Maps and curves of several trials on the same test samples, as arrays that `saddle compare` shows side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from trainables.contract import CURVE, MAP, MAPPED

if TYPE_CHECKING:
    from torch import Tensor

    from trainables.datasets.sampling.samples import Samples
    from trainables.evaluation.masks import MaskCurve

SHOWN = 8
IOU = "IoU over threshold (quantile of each map)"
"""S1's Figure 5."""


def map_arrays(samples: Samples, places: Tensor, maps: Mapping[str, Tensor]) -> dict[str, Any]:
    """The first of the samples at `places` (M,), their masks, and maps (N, H, W) of all samples, by name.

    Each map is stretched, so that its largest value is white.
    """
    import torch

    chosen = places.cpu()[:SHOWN]
    images, _ = samples.__getitems__(chosen.tolist())
    shown = {"x": images.cpu().permute(0, 2, 3, 1)} if images.shape[1] == 3 else {"x": images.cpu()[:, 0]}
    if samples.masks is not None:
        shown["mask"] = samples.masks.cpu()[chosen] / 255
    shown |= {name: stretched(values[chosen]) for name, values in maps.items()}
    arrays = {
        f"{MAP}{name}": (255 * values.clamp(0, 1)).round().to(torch.uint8).numpy() for name, values in shown.items()
    }
    return {MAPPED: chosen.numpy(), **arrays}


def stretched(maps: Tensor) -> Tensor:
    """Maps (M, H, W) between 0 and 1, each divided by its largest value.

    This is a high quantile: a single pixel would make the rest dark.
    """
    largest = maps.flatten(1).quantile(0.999, dim=1).clamp(min=1e-6)[:, None, None]
    return (maps / largest).clamp(0, 1)


def iou_curve(name: str, curve: MaskCurve) -> dict[str, Any]:
    """The IoU of maps called `name` over their thresholds."""
    import torch

    return {f"{CURVE}{IOU}.{name}": torch.stack([curve.quantiles, curve.iou]).numpy()}
