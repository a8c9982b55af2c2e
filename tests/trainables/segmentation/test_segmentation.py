"""Segmentation: its loss, that it learns what it is shown, and that it sees the very images that the GAN sees."""

from __future__ import annotations

import math

import pytest
import torch

from trainables import counterfactual_gan, segmentation
from trainables.contract import InProcessRun, resolve
from trainables.datasets.config import dataset_of
from trainables.datasets.dataset import Dataset, Split
from trainables.datasets.errors import DataError
from trainables.defects.splits import splits
from trainables.segmentation.loop import segmentation_loss


def squares(masks: bool = True) -> Dataset:
    """Noise with a bright square in every second image, and its mask."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 100, (48, 1, 16, 16), generator=generator, dtype=torch.uint8)
    marked = torch.zeros(48, 16, 16, dtype=torch.uint8)
    for index in range(1, 48, 2):
        top, left = torch.randint(0, 10, (2,), generator=generator).tolist()
        images[index, 0, top : top + 5, left : left + 5] = 220
        marked[index, top : top + 5, left : left + 5] = 255
    split = Split(images, torch.arange(48) % 2, marked if masks else None)
    return Dataset("squares", ("plain", "square"), split, split)


class Given(InProcessRun):
    """A run whose data are those squares, with masks or without."""

    masks = True

    def data(self, name: object) -> Dataset:
        return squares(self.masks)


def test_the_loss_is_cross_entropy_and_dice_of_the_pixels_that_count() -> None:
    logits = torch.tensor([[[0.0, math.log(3.0)], [-math.log(3.0), 50.0]]], dtype=torch.float64)
    masks = torch.tensor([[[0, 255], [255, 64]]], dtype=torch.uint8)
    entropy = (math.log(2) - math.log(0.75) - math.log(0.25)) / 3
    dice = (2 * (0.75 + 0.25) + 1) / (0.5 + 0.75 + 0.25 + 2 + 1)
    assert float(segmentation_loss(logits, masks, 0.0)) == pytest.approx(entropy, rel=1e-12)
    assert float(segmentation_loss(logits, masks, 0.7)) == pytest.approx(entropy + 0.7 * (1 - dice), rel=1e-12)


def test_it_learns_to_mark_what_is_marked() -> None:
    given = {"image_size": 16, "width": 4, "levels": 2, "epochs": 15, "batch_size": 12, "lr": 1e-2}
    config = resolve(segmentation, given).config
    *_, last = segmentation.train(config, Given())
    assert last.state is not None
    report = segmentation.evaluate(config, last.state, Given())
    assert report.metrics["test/iou"] > 0.9
    assert report.metrics["test/iou"] <= report.metrics["test/iou_test_chosen"]
    [picture] = report.images.values()
    assert picture.shape[1] == 3 * (4 * 16 + 4), "image, what was found, mask"


def test_a_dataset_without_masks_is_refused() -> None:
    run = Given()
    run.masks = False
    with pytest.raises(DataError, match="needs masks"):
        segmentation.check(resolve(segmentation, {"image_size": 16, "levels": 2}).config, run)


def test_it_is_tested_on_the_images_that_the_gan_is_tested_on() -> None:
    given = {"dataset": "synthetic_cracks"}
    ours, theirs = (resolve(method, given).config for method in (segmentation, counterfactual_gan))
    assert dataset_of(ours) == dataset_of(theirs)  # type: ignore[arg-type]
    mine, other = (splits(config, squares(), torch.device("cpu")) for config in (ours, theirs))  # type: ignore[arg-type]
    for name in ("train", "validation", "test"):
        assert torch.equal(getattr(mine, name).chosen, getattr(other, name).chosen)
    assert mine.shape == other.shape
