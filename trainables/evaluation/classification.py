"""Scores of a binary classifier (S1, Table 2); class 1, the damaged one, is positive."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

FAKE = 2
"""The index of the third logit, "generated"."""


@dataclass(frozen=True)
class Classification:
    """Shares of 1; a score without a defining sample (no positive, none predicted) is 0. `n` samples in all."""

    accuracy: float
    f1: float
    precision: float
    recall: float
    n: int
    positives: int


def classification_scores(predicted: Tensor, labels: Tensor) -> Classification:
    """The scores of predicted classes against labels, both (N,) of 0 and 1."""
    # here, because importing torchmetrics takes seconds
    from torchmetrics.functional import classification as torchmetrics

    if predicted.shape != labels.shape or predicted.ndim != 1:
        raise ValueError(f"predictions are {tuple(predicted.shape)} and labels {tuple(labels.shape)}, not (N,) both")
    if len(labels) == 0:
        raise ValueError("no samples to score")
    # integers, because torchmetrics takes floats for probabilities
    predicted, labels = predicted.long(), labels.long()
    return Classification(
        accuracy=float(torchmetrics.binary_accuracy(predicted, labels)),
        f1=float(torchmetrics.binary_f1_score(predicted, labels)),
        precision=float(torchmetrics.binary_precision(predicted, labels)),
        recall=float(torchmetrics.binary_recall(predicted, labels)),
        n=len(labels),
        positives=int(labels.sum()),
    )


def predicted_class(logits: Tensor) -> Tensor:
    """The larger of p₀ and p₁, (N,), for any p_fake (S1, Figure 3); `logits`: (N, 2) or (N, 3)."""
    return _checked(logits)[:, :FAKE].argmax(1)


def fake_probability(logits: Tensor) -> Tensor:
    """p_fake of each image, (N,) float64; `logits`: (N, 3)."""
    if _checked(logits).shape[1] != FAKE + 1:
        raise ValueError("two logits have no p_fake; it is the discriminator's third")
    return torch.softmax(logits.double(), 1)[:, FAKE]


def _checked(logits: Tensor) -> Tensor:
    if logits.ndim != 2 or logits.shape[1] not in (FAKE, FAKE + 1):
        raise ValueError(f"logits are {tuple(logits.shape)}, not (N, 2) for two classes or (N, 3) with the fake one")
    return logits
