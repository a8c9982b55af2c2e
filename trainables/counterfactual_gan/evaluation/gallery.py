"""S1's galleries: input, counterfactual, difference, and mask where there is one (Figures 2, 4 and 7)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from trainables.counterfactual_gan.evaluation.measurements import SHOWN, drawn_counterfactuals
from trainables.counterfactual_gan.model import CounterfactualModel
from trainables.datasets.sampling.samples import Samples
from trainables.pictures import columns


def galleries(model: CounterfactualModel, samples: Samples) -> dict[str, Any]:
    """A picture (H, W) or (H, W, 3) uint8 for each direction, a row per image."""
    rows = {}
    for label, direction in enumerate(("undamaged to damaged", "damaged to undamaged")):
        index = (samples.labels.cpu() == label).nonzero().squeeze(1)[:SHOWN].tolist()
        images, _ = samples.__getitems__(index)
        masks = None if samples.masks is None else samples.masks[torch.tensor(index, device=samples.masks.device)]
        counterfactuals = drawn_counterfactuals(model.generator, images)
        rows[direction] = picture(images, counterfactuals, masks)
    return rows


def picture(images: Tensor, counterfactuals: Tensor, masks: Tensor | None) -> Any:
    """Rows x | G(x) | difference | mask; the difference is stretched, so that its largest is white."""
    difference = (counterfactuals - images).abs().mean(1, keepdim=True)
    # by a high quantile: a single pixel would make the rest dark
    largest = difference.flatten(1).quantile(0.999, dim=1).clamp(min=1e-3)[:, None, None, None]
    shown = [images, counterfactuals, (difference / largest).clamp(0, 1)]
    if masks is not None:
        shown.append(masks[:, None].to(torch.float32) / 255)
    return columns(shown, ("x", "G(x)", "|G(x) - x|", "mask")[: len(shown)])
