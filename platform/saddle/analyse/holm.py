"""Holm's correction, with intervals that agree with its decisions.

Holm tests the r-th smallest of m p-values at alpha / (m - r + 1) and stops at the first that fails. The interval of a
comparison is printed at exactly the level its test was made at; those behind the stop share the level of the stop.
So an interval leaves out zero if and only if Holm rejects, and the chance that any interval wrongly leaves out zero is
at most alpha over all comparisons. (Serlin, 1993, Journal of Experimental Education 61: confidence intervals for Holm.)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from saddle.analyse.student import Floats


def _ranks(p: Floats) -> Floats:
    """Rank 0 for the smallest along the last axis; equal values keep their order."""
    return np.argsort(np.argsort(p, axis=-1, kind="stable"), axis=-1, kind="stable").astype(float)


def holm(p: Any) -> Floats:
    """Holm-adjusted p-values along the last axis (Holm, 1979); at most alpha exactly where Holm rejects."""
    values = np.asarray(p, dtype=float)
    m = values.shape[-1]
    order = np.argsort(values, axis=-1, kind="stable")
    scaled = np.take_along_axis(values, order, axis=-1) * (m - np.arange(m))
    stepped = np.minimum(np.maximum.accumulate(scaled, axis=-1), 1.0)
    adjusted = np.empty_like(stepped)
    np.put_along_axis(adjusted, order, stepped, axis=-1)
    return adjusted


def local_alpha(p: Any, alpha: float) -> Floats:
    """The level at which Holm decides each comparison, along the last axis: alpha / (comparisons still open)."""
    values = np.asarray(p, dtype=float)
    m = values.shape[-1]
    rejected = (holm(values) <= alpha).sum(axis=-1, keepdims=True)
    open_before = np.minimum(_ranks(values), rejected)
    # All rejected: the last one was tested at alpha, and there is nothing behind it.
    return np.asarray(alpha / np.maximum(m - open_before, 1.0))
