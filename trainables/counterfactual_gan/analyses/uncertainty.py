"""Whether p_fake tells which predictions to doubt (S1, A.3 and Table 4)."""

from __future__ import annotations

import math
from collections.abc import Callable

from torch import Tensor

from trainables.counterfactual_gan.analyses import Findings, Tested
from trainables.evaluation.bootstrap import bootstrap_interval
from trainables.evaluation.classification import fake_probability, predicted_class
from trainables.evaluation.uncertainty import (
    calibration_error,
    error_auroc,
    negative_log_likelihood,
    pearson,
    risk_coverage,
)


def uncertainty(tested: Tested) -> Findings:
    """For D's and G's predictions: Pearson's r of NLL and p_fake with an interval, AUROC, risk–coverage, ECE."""
    measured = tested.measured
    p_fake = fake_probability(measured.real)
    groups = tested.data.test.groups  # tiles of one image are no independent images
    found = Findings(arrays={"p_fake": p_fake.numpy()})
    for who, logits in (("d", measured.real), ("g", measured.branch)):
        losses = negative_log_likelihood(logits, measured.labels)
        wrong = predicted_class(logits) != measured.labels
        r = pearson(losses, p_fake)
        interval = bootstrap_interval(_correlation(losses, p_fake), len(losses), groups=groups)
        numbers = {
            f"p_fake_correlation.{who}": r,
            f"p_fake_correlation.{who}_low": interval.low,
            f"p_fake_correlation.{who}_high": interval.high,
            f"p_fake_auroc.{who}": error_auroc(p_fake, wrong),
            f"risk_coverage.{who}": risk_coverage(p_fake, wrong).area,
            f"calibration_error.{who}": calibration_error(logits, measured.labels),
        }
        # without a single error, or with p_fake the same everywhere, some of them don't exist
        found.metrics |= {name: value for name, value in numbers.items() if math.isfinite(value)}
        found.arrays[f"nll.{who}"] = losses.numpy()
    return found


def _correlation(losses: Tensor, p_fake: Tensor) -> Callable[[Tensor], float]:
    """Pearson's r of a resample."""
    return lambda index: pearson(losses[index], p_fake[index])
