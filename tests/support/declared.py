"""Declarations of metrics for tests of what reads them, without a trainable."""

from __future__ import annotations

from collections.abc import Mapping

from saddle.study.declarations import Declarations
from trainables.contract import Direction, Metric, complete_metric


def declare(metrics: Mapping[str, Metric | Direction], selection: str = "") -> Declarations:
    """What a trainable with these `METRICS` and this `SELECTION` declares."""
    return Declarations("t", {name: complete_metric(name, metric) for name, metric in metrics.items()}, selection)
