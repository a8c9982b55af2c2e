"""Calibration of the main task on clean test images, before any temperature: ECE, likelihood and Brier score."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from trainables.adversarial_training.analysis import TestedBatch
from trainables.contract import Metric
from trainables.evaluation.analysis import Analysis, Findings

if TYPE_CHECKING:
    from torch import Tensor

error = partial(Metric, "minimize", unit="fraction")


def measure(batch: TestedBatch) -> Findings:
    """Logits (B, classes) and labels (B,) of the main task."""
    return Findings(arrays={"logits": batch.logits, "labels": batch.labels[:, 0]})


def summarise(config: Any, arrays: Mapping[str, Tensor]) -> Findings:
    """The scores of all images."""
    from trainables.evaluation.calibration import brier_score, equal_mass_error, equal_width_error, log_loss

    logits, labels = arrays["logits"], arrays["labels"]
    return Findings(
        {
            "ece.equal_width": equal_width_error(logits, labels),
            "ece.equal_mass": equal_mass_error(logits, labels),
            "nll": log_loss(logits, labels),
            "brier": brier_score(logits, labels),
        }
    )


CALIBRATION = Analysis(
    name="calibration",
    says="expected calibration error over 15 bins of equal width and of equal mass, log loss and Brier score",
    metrics={
        "ece.equal_width": error(),
        "ece.equal_mass": error(),
        "nll": Metric("minimize", unit="nats", low=0.0),
        "brier": Metric("minimize", low=0.0, high=2.0),
    },
    measure=measure,
    summarise=summarise,
)
