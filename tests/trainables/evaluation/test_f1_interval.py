"""Bootstrap intervals of F1, which follow from how often each image is drawn."""

from __future__ import annotations

import pytest
import torch
from sklearn.metrics import f1_score

from trainables.evaluation.bootstrap import Resamples, bootstrap_interval

GENERATOR = torch.Generator().manual_seed(5)
LABELS = torch.randint(2, (60,), generator=GENERATOR)
PREDICTED = torch.where(torch.rand(60, generator=GENERATOR) < 0.8, LABELS, 1 - LABELS)


@pytest.mark.parametrize("groups", [None, torch.arange(60) // 5])
def test_it_is_the_interval_of_the_same_resamples_one_by_one(groups: torch.Tensor | None) -> None:
    def f1(drawn: torch.Tensor) -> float:
        return float(f1_score(LABELS[drawn], PREDICTED[drawn]))

    slow = bootstrap_interval(f1, 60, groups=groups, resamples=200)
    quick = Resamples.draw(60, groups, 200).f1_interval(PREDICTED, LABELS)
    assert (quick.low, quick.high) == pytest.approx((slow.low, slow.high), abs=1e-12)
    assert quick.low < f1(torch.arange(60)) < quick.high


def test_images_of_few_sources_say_less() -> None:
    widths = []
    for groups in (None, torch.arange(60) // 15):
        interval = Resamples.draw(60, groups).f1_interval(torch.ones(60), torch.arange(60) // 30)
        widths.append(interval.high - interval.low)
    assert widths[1] > 1.5 * widths[0]


def test_without_a_positive_image_it_is_zero() -> None:
    interval = Resamples.draw(4).f1_interval(torch.zeros(4), torch.zeros(4))
    assert (interval.low, interval.high) == (0.0, 0.0)
