"""Whether p_fake shows how certain a classifier may be (S1, A.3 and Table 4, and what Table 4 leaves open)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

CALIBRATION_BINS = 15
"""Customary: Guo et al. 2017."""


@dataclass(frozen=True)
class RiskCoverage:
    """The error rate (`risk`, (N,)) among the most certain images, over their share (`coverage`, (N,), 1/N to 1).

    `area`: the mean risk; a perfect order would reach `best_area`, one without information the `error_rate`.
    """

    coverage: Tensor
    risk: Tensor
    area: float
    best_area: float
    error_rate: float


def negative_log_likelihood(logits: Tensor, labels: Tensor, *, as_printed: bool = False) -> Tensor:
    """-[y log p₁ + (1 - y) log(1 - p₁)] of each image (S1, eq. 8), (N,), float64, in log space.

    `logits`: (N, 2) or (N, 3); `labels`: (N,) of 0 and 1. p₁ is that of the two classes only, since p_fake would
    else be a part of the loss that it is to predict; `as_printed` takes p₁ of all three logits, so that
    1 - p₁ = p₀ + p_fake. With two logits both are the same.
    """
    logits, own = logits.double(), labels.long()
    if not as_printed:
        return F.cross_entropy(logits[:, :2], own, reduction="none")
    log_p = torch.log_softmax(logits, 1)
    others = torch.logsumexp(torch.cat([log_p[:, :1], log_p[:, 2:]], 1), 1)
    return -torch.where(own == 1, log_p[:, 1], others)


def pearson(losses: Tensor, p_fake: Tensor) -> float:
    """Pearson's r of two values of each image, (N,) (S1, eq. 9); NaN if one of them is the same throughout."""
    x, y = _vector(losses), _vector(p_fake)
    if len(x) != len(y):
        raise ValueError(f"{len(x)} losses and {len(y)} values of p_fake")
    if len(x) == 0 or x.min() == x.max() or y.min() == y.max():  # rounding would make a mean of equal values differ
        return math.nan
    x, y = x - x.mean(), y - y.mean()
    return float(x @ y / (x.norm() * y.norm()))


def error_auroc(uncertainty: Tensor, wrong: Tensor) -> float:
    """How often a misclassified image has the higher uncertainty than a right one, ties counting half; 0.5 is chance.

    Both (N,); NaN if all images are right, or all wrong.
    """
    values, wrong = _vector(uncertainty), wrong.bool().cpu()
    if not 0 < int(wrong.sum()) < len(wrong):
        return math.nan
    # Mann and Whitney's U from mid-ranks; torchmetrics would take values above 1 for logits and tie the large ones
    _, rank, count = torch.unique(values, return_inverse=True, return_counts=True)
    mid_rank = (count.cumsum(0).double() - (count.double() - 1) / 2)[rank]
    errors, rights = int(wrong.sum()), int((~wrong).sum())
    return float((mid_rank[wrong].sum() - errors * (errors + 1) / 2) / (errors * rights))


def risk_coverage(uncertainty: Tensor, wrong: Tensor) -> RiskCoverage:
    """The error rate among the k images of least uncertainty, for k = 1 … N; both arguments (N,).

    Among images of equal uncertainty errors count as spread evenly, so that the order of the data doesn't matter.
    """
    values, errors = _vector(uncertainty), wrong.bool().cpu().double()
    if len(values) == 0:
        raise ValueError("no images to order")
    order = values.argsort()
    _, group, size = torch.unique_consecutive(values[order], return_inverse=True, return_counts=True)
    per_group = torch.zeros(len(size), dtype=torch.float64).index_add_(0, group, errors[order])
    retained = torch.arange(1, len(values) + 1, dtype=torch.float64)
    risk = (per_group / size)[group].cumsum(0) / retained
    best = errors.sort().values.cumsum(0) / retained
    return RiskCoverage(retained / len(values), risk, float(risk.mean()), float(best.mean()), float(errors.mean()))


def calibration_error(logits: Tensor, labels: Tensor, bins: int = CALIBRATION_BINS) -> float:
    """The expected calibration error of the predicted class's probability between the two classes, a share of 1.

    `logits`: (N, 2) or (N, 3), of which p_fake is left out; `labels`: (N,).
    """
    from torchmetrics.functional.classification import multiclass_calibration_error

    probabilities = torch.softmax(logits[:, :2].double(), 1)
    return float(multiclass_calibration_error(probabilities, labels.long(), num_classes=2, n_bins=bins, norm="l1"))


def _vector(values: Tensor) -> Tensor:
    if values.ndim != 1:
        raise ValueError(f"expected a value of each image, (N,), not {tuple(values.shape)}")
    return values.detach().double().cpu()
