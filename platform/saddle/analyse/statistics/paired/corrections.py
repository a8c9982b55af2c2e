"""Corrections for many comparisons, with intervals that agree with their decisions.

Holm bounds the chance of any wrong claim by alpha. It tests the r-th smallest of m p-values at alpha / (m - r + 1) and
stops at the first that fails. The interval of a comparison is printed at exactly the level its test was made at; those
behind the stop share the level of the stop. (Serlin, 1993, Journal of Experimental Education 61.)

Benjamini & Hochberg (1995, JRSS B 57) bound the expected share of wrong claims among the claims. With R of m rejected,
intervals are printed at level R alpha / m, so that the expected share of them that miss the truth, among those
rejected, is bounded by the same level (Benjamini & Yekutieli, 2005, JASA 100).

With either, an interval leaves out zero exactly where the comparison is rejected.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import scipy

from saddle.analyse.statistics.paired.paired_t import Floats

Correction = Literal["holm", "bh"]

NAMES: dict[Correction, str] = {"holm": "Holm", "bh": "Benjamini–Hochberg"}


def adjust(p: Any, correction: Correction) -> Floats:
    """Adjusted p-values along the last axis: at most alpha exactly where the correction rejects."""
    values = np.asarray(p, dtype=float)
    if correction == "bh":
        return np.asarray(scipy.stats.false_discovery_control(values, axis=-1))
    m = values.shape[-1]
    order = np.argsort(values, axis=-1, kind="stable")
    scaled = np.take_along_axis(values, order, axis=-1) * (m - np.arange(m))
    stepped = np.minimum(np.maximum.accumulate(scaled, axis=-1), 1.0)
    adjusted = np.empty_like(stepped)
    np.put_along_axis(adjusted, order, stepped, axis=-1)
    return adjusted


def local_alpha(p: Any, alpha: float, correction: Correction) -> Floats:
    """The level at which each comparison is decided, along the last axis; its interval has the level 1 minus that."""
    values = np.asarray(p, dtype=float)
    m = values.shape[-1]
    rejected = (adjust(values, correction) <= alpha).sum(axis=-1, keepdims=True)
    if correction == "bh":
        return np.broadcast_to(alpha * np.maximum(rejected, 1) / m, values.shape).astype(float)
    open_before = np.minimum(_ranks(values), rejected)
    # All rejected: the last one was tested at alpha, and there is nothing behind it.
    return np.asarray(alpha / np.maximum(m - open_before, 1.0))


def _ranks(p: Floats) -> Floats:
    """Rank 0 for the smallest along the last axis; equal values keep their order."""
    return np.argsort(np.argsort(p, axis=-1, kind="stable"), axis=-1, kind="stable").astype(float)
