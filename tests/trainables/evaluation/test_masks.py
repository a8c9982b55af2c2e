"""Mask scores against hand-computed and scikit-learn's; thresholds chosen where they may be chosen."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score, jaccard_score
from torch import Tensor

from trainables.evaluation.masks import (
    Regions,
    best_threshold,
    choose_threshold,
    darkness,
    mask_curve,
    mask_scores,
    regions,
)


def example(seed: int, levels: int | None = None) -> tuple[Tensor, Tensor]:
    """Noisy saliency maps and masks, with ties where `levels` are given."""
    generator = torch.Generator().manual_seed(seed)
    positive = torch.rand(3, 6, 7, generator=generator) < 0.2
    saliency = torch.rand(3, 6, 7, generator=generator) + 0.4 * positive
    return (saliency * levels).floor() / levels if levels else saliency, positive


def test_scores_by_hand() -> None:
    saliency = torch.tensor([[[0.9, 0.8, 0.1, 0.0]], [[0.7, 0.2, 0.6, 0.0]]])
    positive = torch.tensor([[[1, 0, 0, 0]], [[1, 1, 0, 0]]]).bool()
    found = mask_scores(saliency, positive, 0.65)
    assert found.iou == pytest.approx(2 / 4)  # found .9 .8 .7, of which .9 and .7 are positive, .2 is missed
    assert found.f1 == pytest.approx(4 / 6)
    assert found.accuracy == pytest.approx(6 / 8)
    assert (found.threshold, found.pixels, found.positives) == (pytest.approx(0.65), 8, 3)


@pytest.mark.parametrize("levels", [None, 4])
def test_every_point_equals_scikit_learns(levels: int | None) -> None:
    saliency, positive = example(0, levels)
    ignored = torch.zeros_like(positive)
    ignored[0, :3] = True
    curve = mask_curve(saliency, positive, ignored)
    assert len(curve.iou) == 100
    truth = positive[~ignored].numpy()
    for index in range(100):
        predicted = (saliency[~ignored].double() > curve.thresholds[index]).numpy()
        assert curve.iou[index].item() == pytest.approx(jaccard_score(truth, predicted, zero_division=0))
        assert curve.f1[index].item() == pytest.approx(f1_score(truth, predicted, zero_division=0))
        assert curve.accuracy[index].item() == pytest.approx(accuracy_score(truth, predicted))
        assert curve.quantiles[index].item() == pytest.approx(1 - predicted.mean())
        assert curve.at(index) == mask_scores(saliency, positive, curve.thresholds[index].item(), ignored)
    torch.testing.assert_close(curve.f1, 2 * curve.iou / (1 + curve.iou))
    if levels is None:
        assert curve.thresholds[50].item() == pytest.approx(np.median(saliency[~ignored].numpy()), abs=0.02)


def test_the_best_threshold_is_best() -> None:
    saliency, positive = example(1)
    curve = mask_curve(saliency, positive)
    assert curve.best().iou == curve.iou.max() > curve.iou[0]
    assert best_threshold(saliency, positive) == curve.best().threshold


def test_a_map_of_mostly_zeros_finds_what_is_above_zero() -> None:
    saliency, positive = torch.zeros(1, 10, 10), torch.zeros(1, 10, 10, dtype=torch.bool)
    saliency[0, 0, :3] = 0.5
    positive[0, 0, :3] = True
    best = mask_curve(saliency, positive).best()
    assert (best.iou, best.accuracy, best.threshold) == (1, 1, 0)


def test_the_threshold_comes_from_validation_and_the_tests_own_stands_beside_it() -> None:
    validation, positive = example(2)
    test, truth = example(3)
    shifted = test + 0.3  # so that validation's threshold is not the test's
    none = torch.zeros_like(truth)
    choice = choose_threshold(validation, Regions(positive, none), shifted, Regions(truth, none))
    assert choice.chosen == mask_scores(shifted, truth, best_threshold(validation, positive))
    assert choice.test_chosen == mask_curve(shifted, truth).best()
    assert choice.test_chosen.iou > choice.chosen.iou


def test_stored_values_between_background_and_positive_do_not_count() -> None:
    stored = torch.tensor([[[0, 64, 127, 128, 255]]], dtype=torch.uint8)
    found = regions(stored.unsqueeze(1))
    assert found.positive.flatten().tolist() == [False, False, False, True, True]
    assert found.ignored.flatten().tolist() == [False, True, True, False, False]
    saliency = torch.tensor([[[0.0, 9.0, 9.0, 1.0, 1.0]]])
    scores = mask_scores(saliency, found.positive, 0.5, found.ignored)
    assert (scores.iou, scores.accuracy, scores.pixels) == (1, 1, 3)


def test_darkness_is_one_minus_luma() -> None:
    grey = torch.tensor([0.25, 1.0]).reshape(1, 1, 1, 2)
    assert darkness(grey).tolist() == [[[0.75, 0.0]]]
    rgb = torch.tensor([1.0, 0.5, 0.0]).reshape(1, 3, 1, 1)
    assert darkness(rgb).item() == pytest.approx(1 - 0.299 - 0.2935)
    assert darkness(grey.expand(-1, 3, -1, -1)).flatten().tolist() == pytest.approx([0.75, 0.0], abs=1e-6)
    with pytest.raises(ValueError, match="2 channels"):
        darkness(torch.rand(1, 2, 2, 2))


def test_maps_that_can_not_be_scored_are_refused() -> None:
    saliency, positive = example(4)
    with pytest.raises(ValueError, match="no pixel of the masks is positive"):
        mask_curve(saliency, torch.zeros_like(positive))
    with pytest.raises(ValueError, match="no pixel of the masks is positive"):
        mask_curve(saliency, positive, ignored=torch.ones_like(positive))
    with pytest.raises(ValueError, match=r"\(3, 6, 7\), masks \(2, 6, 7\)"):
        mask_curve(saliency, positive[:2])
    with pytest.raises(ValueError, match=r"not \(3, 2, 6, 7\)"):
        mask_curve(torch.rand(3, 2, 6, 7), positive)
    saliency[0, 0, 0] = torch.nan
    with pytest.raises(ValueError, match="not finite numbers"):
        mask_curve(saliency, positive)
