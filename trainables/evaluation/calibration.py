"""Whether a classifier's probabilities mean what they say: calibration errors, likelihood and Brier score.

No temperature is fitted: the network is measured unchanged. See Guo et al. (2017) for the error over bins of
equal width, Nixon et al. (2019) for that over bins of equally many samples.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

BINS = 15
"""Customary: Guo et al. 2017."""


def equal_width_error(logits: Tensor, labels: Tensor, bins: int = BINS) -> float:
    """The expected calibration error over bins of confidence that are equally wide, a share of 1.

    `logits`: (N, classes); `labels`: (N,). Σ share of the samples · |accuracy - mean confidence|, over the bins.
    """
    confidence, right = _confidence(logits, labels)
    edges = torch.linspace(0, 1, bins + 1, dtype=torch.float64)
    return _binned_gap(confidence, right, (torch.bucketize(confidence, edges, right=True) - 1).clamp(0, bins - 1))


def equal_mass_error(logits: Tensor, labels: Tensor, bins: int = BINS) -> float:
    """The same over bins of equally many samples, in the order of their confidence.

    Samples of equal confidence that two bins would split count as spread evenly over both, in any order.
    """
    confidence, right = _confidence(logits, labels)
    order = confidence.argsort()
    _, group = torch.unique_consecutive(confidence[order], return_inverse=True)
    shares = torch.zeros(int(group.max()) + 1, dtype=torch.float64).index_add_(0, group, right[order])
    sizes = torch.bincount(group).double()
    place = torch.arange(len(order)) * bins // len(order)
    return _binned_gap(confidence[order], (shares / sizes)[group], place)


def log_loss(logits: Tensor, labels: Tensor) -> float:
    """The mean negative log-likelihood of the labels, (N,), in nats; `logits`: (N, classes)."""
    _require_samples(logits, labels)
    return float(F.cross_entropy(logits.double(), labels.long()))


def brier_score(logits: Tensor, labels: Tensor) -> float:
    """The mean over samples of Σ (probability - indicator)² over the classes, 0 to 2 (Brier, 1950).

    `logits`: (N, classes); `labels`: (N,).
    """
    _require_samples(logits, labels)
    wanted = F.one_hot(labels.long(), logits.shape[1]).double()
    return float((torch.softmax(logits.double(), 1) - wanted).square().sum(1).mean())


def _confidence(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """The probability of the predicted class and whether it is right, (N,) float64 each."""
    _require_samples(logits, labels)
    confidence, predicted = torch.softmax(logits.double(), 1).max(1)
    return confidence.cpu(), (predicted == labels).double().cpu()


def _binned_gap(confidence: Tensor, right: Tensor, place: Tensor) -> float:
    gaps = torch.zeros(int(place.max()) + 1, dtype=torch.float64).index_add_(0, place, right - confidence)
    return float(gaps.abs().sum() / len(confidence))


def _require_samples(logits: Tensor, labels: Tensor) -> None:
    if logits.ndim != 2 or labels.shape != logits.shape[:1]:
        raise ValueError(
            f"logits are {tuple(logits.shape)} and labels {tuple(labels.shape)}, not (N, classes) and (N,)"
        )
    if len(labels) == 0:
        raise ValueError("no samples to score")
