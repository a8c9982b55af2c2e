"""Which metrics may predict a gain: those that don't share its noise."""

from __future__ import annotations

from saddle.study.trainable.declarations import Declarations
from trainables.contract import Metric

ACCURACIES = ("robust", "clean")


def metric_of(name: str, declared: Declarations) -> Metric | None:
    """The declared metric that a predictor names, with its split or without; None if there is none."""
    if name in declared.metrics:
        return declared.metrics[name]
    splits = (f"{split}/{name}" for split in ("train", "test", "validation"))
    return next((declared.metrics[metric] for metric in splits if metric in declared.metrics), None)


def why_refused(metric: Metric, gained: str) -> str:
    """Why a metric can't predict a gain in the metric called `gained`; empty if it may.

    A gain is a difference of two measured accuracies. Each of them, and what is measured on the same test images, has
    the difference's own noise in it, so that it is related to the gain even if nothing is.
    """
    if metric.name == gained:
        return "it is the metric whose gain is the outcome, so both share noise"
    if metric.role in ACCURACIES:
        return "an accuracy shares the noise of the accuracies whose difference is the gain"
    return ""
