"""Whether p_fake tells which predictions to doubt (S1, A.3 and Table 4)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from trainables.contract import Metric
from trainables.counterfactual_gan.scores import within_one
from trainables.counterfactual_gan.trained_gan import TrainedGAN
from trainables.evaluation.analysis import Analysis, Findings

if TYPE_CHECKING:
    from torch import Tensor


def uncertainty(tested: TrainedGAN) -> Findings:
    """For D's and G's predictions: Pearson's r of NLL and p_fake, how p_fake finds and orders errors, ECE.

    All but ECE come with a bootstrap interval over source images: a resample's ECE is larger than that of its sample,
    so its interval would be too high. p_fake is compared with what costs nothing: the classifier's own confidence.
    """
    import torch

    from trainables.counterfactual_gan.evaluation.figures import plot_curves
    from trainables.evaluation.bootstrap import bootstrap_interval
    from trainables.evaluation.classification import FAKE, fake_probability, predicted_class
    from trainables.evaluation.uncertainty import (
        calibration_error,
        error_auroc,
        negative_log_likelihood,
        risk_coverage,
    )

    measured = tested.measured
    p_fake = fake_probability(measured.real)
    findings = Findings(arrays={"p_fake": p_fake.numpy()})
    curves: dict[str, tuple[list[float], list[float]]] = {}
    for who, logits in (("d", measured.real), ("g", measured.branch)):
        losses = negative_log_likelihood(logits, measured.labels)
        wrong = predicted_class(logits) != measured.labels
        doubt = 1 - torch.softmax(logits[:, :FAKE].double(), 1).amax(1)
        numbers = {
            f"calibration_error.{who}": calibration_error(logits, measured.labels),
            f"confidence_auroc.{who}": error_auroc(doubt, wrong),
        }
        for name, statistic in _statistics(losses, p_fake, wrong).items():
            # tiles of one image are not independent images
            interval = bootstrap_interval(statistic, len(losses), groups=tested.data.test.groups)
            numbers |= {
                f"{name}.{who}": statistic(torch.arange(len(losses))),
                f"{name}.{who}_low": interval.low,
                f"{name}.{who}_high": interval.high,
            }
        # without any error, or with constant p_fake, some of them don't exist
        findings.metrics |= {name: value for name, value in numbers.items() if math.isfinite(value)}
        findings.arrays[f"nll.{who}"] = losses.numpy()
        for by, values in (("p_fake", p_fake), ("confidence", doubt)):
            curve = risk_coverage(values, wrong)
            curves[f"{who}, by {by}"] = (curve.coverage.tolist(), curve.risk.tolist())
    highest = max(0.1, *(max(risk) for _, risk in curves.values()))
    axis = "coverage: share of the most trusted images"
    findings.images["errors over coverage"] = plot_curves(curves, axis, "error rate among them", highest)
    return findings


def _statistics(losses: Tensor, p_fake: Tensor, wrong: Tensor) -> dict[str, Callable[[Tensor], float]]:
    """Statistics of p_fake, by name, for the images at given indices."""
    from trainables.evaluation.uncertainty import error_auroc, pearson, risk_coverage

    return {
        "p_fake_correlation": lambda at: pearson(losses[at], p_fake[at]),
        "p_fake_auroc": lambda at: error_auroc(p_fake[at], wrong[at]),
        "risk_coverage": lambda at: risk_coverage(p_fake[at], wrong[at]).area,
    }


def declared() -> dict[str, Metric]:
    """All metrics; the ends of intervals are for programs."""
    metrics: dict[str, Metric] = {}
    for who in ("d", "g"):
        for end in ("", "_low", "_high"):
            shown = not end
            metrics[f"p_fake_correlation.{who}{end}"] = Metric("maximize", low=-1.0, high=1.0, shown=shown)
            metrics[f"p_fake_auroc.{who}{end}"] = within_one("maximize", shown=shown)
            metrics[f"risk_coverage.{who}{end}"] = within_one("minimize", shown=shown)
        metrics[f"confidence_auroc.{who}"] = within_one("maximize")
        metrics[f"calibration_error.{who}"] = within_one("minimize")
    return metrics


UNCERTAINTY = Analysis(
    name="uncertainty",
    says="whether p_fake tells which predictions to doubt (S1, Table 4)",
    metrics=declared(),
    measure=uncertainty,
)
