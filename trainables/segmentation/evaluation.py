"""Measure a stored state on the test split."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from trainables.attacks.frozen import frozen
from trainables.contract import Report, Run
from trainables.datasets.sampling.samples import Samples
from trainables.evaluation.masks import choose_threshold, mask_curve, regions
from trainables.evaluation.shared_blocks import Block, Look, blocks_of, measure_blocks
from trainables.evaluation.side_by_side import iou_curve, map_arrays
from trainables.pictures import columns
from trainables.segmentation.config import Config
from trainables.segmentation.data import masked_splits
from trainables.segmentation.model import load

SHOWN = 8


def probabilities(model: nn.Module, samples: Samples, run: Run | None = None) -> Tensor:
    """The probability that each pixel is damaged, (N, H, W) on the CPU; all ranks of a `run` share the work."""

    def look(block: Block) -> Look:
        images, _ = samples.__getitems__(block.places)
        return Look({"probabilities": torch.sigmoid(model(images))})

    with frozen(model), torch.no_grad():
        return measure_blocks(blocks_of(len(samples)), look, run).rows["probabilities"]


def evaluate(config: Config, state: Mapping[str, Any], run: Run) -> Report:
    """Mask scores at the threshold chosen on validation images, the best IoU of any threshold, and a gallery.

    As in the counterfactual GAN, they are about damaged images; `iou_of_all` also counts the others.
    """
    data = masked_splits(config, run)
    model = load(config, state).to(run.device)
    maps = [probabilities(model, part) for part in (data.validation, data.test)]
    assert data.validation.masks is not None
    assert data.test.masks is not None
    marked = [regions(masks.cpu()) for masks in (data.validation.masks, data.test.masks)]
    of_all = choose_threshold(maps[0], marked[0], maps[1], marked[1])
    damaged = [part.labels.cpu() == 1 for part in (data.validation, data.test)]
    damaged_maps = [of_split[which] for of_split, which in zip(maps, damaged, strict=True)]
    damaged_regions = [of_split.of(which) for of_split, which in zip(marked, damaged, strict=True)]
    choice = choose_threshold(damaged_maps[0], damaged_regions[0], damaged_maps[1], damaged_regions[1])
    curve = mask_curve(damaged_maps[1], *damaged_regions[1])
    return Report(
        {
            "test/iou": choice.chosen.iou,
            "test/mask_f1": choice.chosen.f1,
            "test/mask_accuracy": choice.chosen.accuracy,
            "test/iou_test_chosen": choice.test_chosen.iou,
            "test/iou_of_all": of_all.chosen.iou,
            "test/samples": float(len(data.test)),
        },
        arrays={
            "labels": data.test.labels.cpu().numpy(),
            **iou_curve("trained on masks", curve),
            **map_arrays(data.test, damaged[1].nonzero().squeeze(1), {"trained on masks": maps[1]}),
        },
        images={"pixels found": _gallery(data.test, maps[1])},
        fingerprints={"images": data.counts()},
    )


def _gallery(test: Samples, predicted: Tensor) -> Any:
    index = (test.labels.cpu() == 1).nonzero().squeeze(1)[:SHOWN]
    images, _ = test.__getitems__(index.tolist())
    assert test.masks is not None
    masks = test.masks.cpu()[index][:, None].to(torch.float32) / 255
    return columns([images.cpu(), predicted[index][:, None], masks], ("x", "found", "mask"))
