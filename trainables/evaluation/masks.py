"""How well a saliency map finds the pixels of a mask (S1, Table 5 and Figure 5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from trainables.datasets.sampling.grey import to_grey

POSITIVE_ABOVE = 127
"""A stored mask's value above which a pixel is positive; others above 0 mark regions that don't count."""

QUANTILES = tuple(percent / 100 for percent in range(100))


class Regions(NamedTuple):
    """Which pixels are positive and which don't count, (N, H, W), bool."""

    positive: Tensor
    ignored: Tensor

    def of(self, images: Tensor) -> Regions:
        """The regions of some images, given by their indices or by (N,) bool."""
        return Regions(self.positive[images], self.ignored[images])


@dataclass(frozen=True)
class MaskScores:
    """Scores of the pixels above `threshold`, micro-averaged: all pixels of all images together.

    The positive class's F1 is 2 IoU / (1 + IoU), which S1's Table 5 doesn't keep to (methods.md 7).
    """

    threshold: float
    iou: float
    f1: float
    accuracy: float
    pixels: int
    positives: int


@dataclass(frozen=True)
class MaskCurve:
    """Scores over thresholds; all (K,), float64. `quantiles`: the share of pixels at or below each threshold."""

    thresholds: Tensor
    quantiles: Tensor
    iou: Tensor
    f1: Tensor
    accuracy: Tensor
    pixels: int
    positives: int

    def at(self, index: int) -> MaskScores:
        """The scores of one of its thresholds."""
        threshold, iou, f1, accuracy = (
            float(each[index]) for each in (self.thresholds, self.iou, self.f1, self.accuracy)
        )
        return MaskScores(threshold, iou, f1, accuracy, self.pixels, self.positives)

    def best(self) -> MaskScores:
        """The scores where IoU is highest, the lowest such threshold."""
        return self.at(int((self.iou == self.iou.max()).nonzero()[0]))  # argmax may name any of several


class ThresholdChoice(NamedTuple):
    """Test scores at validation's best threshold, and at the test's own best one, which S1 reports."""

    chosen: MaskScores
    test_chosen: MaskScores


def regions(stored: Tensor) -> Regions:
    """Positive and ignored pixels of stored masks, (N, H, W) or (N, 1, H, W), uint8.

    A value in between marks another region that is neither (CrackForest's 64).
    """
    flat = _maps(stored)
    return Regions(flat > POSITIVE_ABOVE, (flat > 0) & (flat <= POSITIVE_ABOVE))


def mask_curve(
    saliency: Tensor, positive: Tensor, ignored: Tensor | None = None, *, quantiles: tuple[float, ...] = QUANTILES
) -> MaskCurve:
    """The scores at quantiles of the saliency's values over all counted pixels, as in S1's Figure 5.

    `saliency`: (N, H, W) or (N, 1, H, W), higher = more salient; `positive`, `ignored`: as `regions` gives them.
    A pixel is found if its value is above the threshold, so that a map of mostly zeros doesn't find all pixels.
    Raises `ValueError` for maps without a positive pixel and for values that are not numbers.
    """
    values, wanted = _counted(saliency, positive, ignored)
    ranked = values.sort().values
    at = torch.tensor([round(share * (len(ranked) - 1)) for share in quantiles], device=ranked.device)
    return _scores(ranked, values[wanted], ranked[at])


def mask_scores(saliency: Tensor, positive: Tensor, threshold: float, ignored: Tensor | None = None) -> MaskScores:
    """The scores at a given threshold; see `mask_curve`."""
    values, wanted = _counted(saliency, positive, ignored)
    cut = torch.tensor([threshold], dtype=values.dtype, device=values.device)
    return _scores(values.sort().values, values[wanted], cut).at(0)


def best_threshold(saliency: Tensor, positive: Tensor, ignored: Tensor | None = None) -> float:
    """The quantile of the saliency's values with the highest IoU, to be chosen on validation data."""
    return mask_curve(saliency, positive, ignored).best().threshold


def choose_threshold(
    validation_saliency: Tensor, validation: Regions, test_saliency: Tensor, test: Regions
) -> ThresholdChoice:
    """The test's scores at the threshold chosen on validation, and at the one that is best on the test itself."""
    threshold = best_threshold(validation_saliency, validation.positive, validation.ignored)
    return ThresholdChoice(
        mask_scores(test_saliency, test.positive, threshold, test.ignored),
        mask_curve(test_saliency, test.positive, test.ignored).best(),
    )


def darkness(images: Tensor) -> Tensor:
    """1 - grey value, (N, H, W): a baseline for cracks without learning; `images`: (N, 1 or 3, H, W) in [0, 1]."""
    return 1 - to_grey(images)[:, 0]


def _scores(ranked: Tensor, inside: Tensor, thresholds: Tensor) -> MaskCurve:
    """Counts from sorted values, so that K thresholds don't need K passes over all pixels."""
    inside = inside.sort().values
    above = (len(ranked) - torch.searchsorted(ranked, thresholds, right=True)).double()
    hits = (len(inside) - torch.searchsorted(inside, thresholds, right=True)).double()
    n, positives = len(ranked), len(inside)
    union = above + positives - hits
    return MaskCurve(
        thresholds=thresholds.double().cpu(),
        quantiles=(1 - above / n).cpu(),
        iou=(hits / union).cpu(),
        f1=(2 * hits / (above + positives)).cpu(),
        accuracy=((n - above - positives + 2 * hits) / n).cpu(),
        pixels=n,
        positives=positives,
    )


def _counted(saliency: Tensor, positive: Tensor, ignored: Tensor | None) -> tuple[Tensor, Tensor]:
    """Values and wanted verdicts of the pixels that count, both (P,)."""
    values, wanted = _maps(saliency).detach(), _maps(positive).bool().to(saliency.device)
    if values.shape != wanted.shape:
        raise ValueError(f"saliency maps are {tuple(values.shape)}, masks {tuple(wanted.shape)}")
    counted = torch.ones_like(wanted) if ignored is None else ~_maps(ignored).bool().to(saliency.device)
    values, wanted = values[counted], wanted[counted]
    if not bool(wanted.any()):
        raise ValueError("no pixel of the masks is positive, so there is nothing to find")
    if not bool(values.isfinite().all()):
        raise ValueError("some values of the saliency maps are not finite numbers")
    return values, wanted


def _maps(values: Tensor) -> Tensor:
    if values.ndim == 4 and values.shape[1] == 1:
        return values[:, 0]
    if values.ndim != 3:
        raise ValueError(f"maps are (N, H, W) or (N, 1, H, W), not {tuple(values.shape)}")
    return values
