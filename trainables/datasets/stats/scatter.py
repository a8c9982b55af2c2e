"""How far apart classes are compared with how wide they are: Fisher's ratio."""

from __future__ import annotations

import torch

from trainables.datasets.stats.distances import CENTRE
from trainables.datasets.stats.sample import Drawn

ROWS = 256


def fisher_ratio(sample: Drawn) -> float | None:
    """The trace of the scatter of class means over that within the classes; None if nothing varies within any.

    Σₖ nₖ |μₖ − μ|² / Σₖ Σᵢ |xᵢ − μₖ|². The size of images and the unit of pixels cancel.
    """
    counts = sample.counts.to(torch.float64)
    sums = torch.zeros((len(counts), sample.dimensions), dtype=torch.float64)
    squares = 0.0
    for start in range(0, len(sample), ROWS):
        rows = sample.pixels[start : start + ROWS].to(torch.float64) - CENTRE
        sums.index_add_(0, sample.labels[start : start + ROWS], rows)
        squares += float(rows.square().sum())
    of_classes = float((sums.square().sum(1) / counts).sum())
    of_all = float(sums.sum(0).square().sum() / counts.sum())
    within = squares - of_classes
    return (of_classes - of_all) / within if within > 0 else None
