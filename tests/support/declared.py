"""Declarations of metrics for tests of their readers, without a trainable."""

from __future__ import annotations

from collections.abc import Mapping

from saddle.study.trainable.declarations import Declarations
from trainables.contract import Direction, Metric, complete_metric


def declare(metrics: Mapping[str, Metric | Direction], selection: str = "") -> Declarations:
    """The declarations of a trainable with these `METRICS` and this `SELECTION`."""
    return Declarations("t", {name: complete_metric(name, metric) for name, metric in metrics.items()}, selection)
