"""The names of everything that the segmentation of damage reports. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from trainables.contract import Metric

share = partial(Metric, "maximize", unit="fraction")


def declared() -> Mapping[str, Metric]:
    """Every possible metric.

    Mask scores are over all pixels of damaged images together, `iou_of_all` over all images; the test's are at the
    threshold that is best on validation images, except `iou_test_chosen`.
    """
    scores = ("iou", "mask_f1", "mask_accuracy")
    return {
        "train/loss": Metric("minimize", role="loss"),
        **{f"{split}/{score}": share() for split in ("validation", "test") for score in scores},
        "test/iou_test_chosen": share(),
        "test/iou_of_all": share(),
        "test/samples": Metric("maximize", role="samples", low=0.0),
    }
