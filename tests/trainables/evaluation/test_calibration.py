"""Calibration: against torchmetrics, by hand, and whatever the order of samples."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torchmetrics.functional.classification import multiclass_calibration_error

from trainables.evaluation.calibration import brier_score, equal_mass_error, equal_width_error, log_loss


def random_logits(seed: int, count: int = 301, classes: int = 7) -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(seed)
    return 3 * torch.randn(count, classes, generator=draw), torch.randint(classes, (count,), generator=draw)


@pytest.mark.parametrize("seed", range(5))
def test_equal_width_is_torchmetrics_error(seed: int) -> None:
    logits, labels = random_logits(seed)
    shares = torch.softmax(logits.double(), 1)
    wanted = multiclass_calibration_error(shares, labels, num_classes=7, n_bins=15, norm="l1")
    assert equal_width_error(logits, labels) == pytest.approx(float(wanted), abs=1e-6)


def of_confidences(*confidences: float) -> torch.Tensor:
    """Two-class logits whose class 0 has these probabilities."""
    return torch.tensor([[math.log(p), math.log(1 - p)] for p in confidences], dtype=torch.float64)


def test_equal_mass_by_hand() -> None:
    logits, labels = of_confidences(0.9, 0.6, 0.8, 0.7), torch.tensor([0, 1, 0, 0])
    # two bins: .6 (wrong) and .7 (right); .8 and .9, both right
    wanted = (abs(1 - 1.3) + abs(2 - 1.7)) / 4
    assert equal_mass_error(logits, labels, bins=2) == pytest.approx(wanted)
    assert equal_width_error(logits, labels, bins=1) == pytest.approx(abs(3 / 4 - 0.75))


def test_ties_do_not_hang_on_the_order() -> None:
    logits, labels = of_confidences(0.8, 0.8, 0.8, 0.8), torch.tensor([0, 1, 1, 0])
    orders = [torch.tensor(order) for order in ([0, 1, 2, 3], [0, 3, 1, 2])]
    errors = {round(equal_mass_error(logits, labels[order], bins=2), 12) for order in orders}
    assert errors == {0.3}


@pytest.mark.parametrize("seed", range(3))
def test_no_order_matters(seed: int) -> None:
    logits, labels = random_logits(seed)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    for score in (equal_width_error, equal_mass_error, log_loss, brier_score):
        assert score(logits[order], labels[order]) == pytest.approx(score(logits, labels), abs=1e-12)


def test_likelihood_and_brier_score() -> None:
    logits, labels = random_logits(9)
    assert log_loss(logits, labels) == pytest.approx(float(F.cross_entropy(logits.double(), labels)))
    by_hand = [
        sum((p - (k == int(label))) ** 2 for k, p in enumerate(torch.softmax(row.double(), 0).tolist()))
        for row, label in zip(logits, labels, strict=True)
    ]
    assert brier_score(logits, labels) == pytest.approx(sum(by_hand) / len(by_hand))
    sure = torch.tensor([[50.0, 0.0], [50.0, 0.0]])
    assert brier_score(sure, torch.tensor([0, 1])) == pytest.approx(1.0), "right is 0, surely wrong 2"


def test_no_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="no samples"):
        equal_width_error(torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64))
    with pytest.raises(ValueError, match=r"not \(N, classes\)"):
        brier_score(torch.zeros(4), torch.zeros(4))
