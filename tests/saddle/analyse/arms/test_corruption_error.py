"""The mean corruption error, by hand."""

from __future__ import annotations

import pytest

from saddle.analyse.arms.corruption_error import CorruptionError, corruption_error

BASE = {"fog": 0.6, "noise": 0.8, "jpeg": 0.898}


def test_errors_are_shares_of_the_baselines() -> None:
    error = corruption_error({"fog": 0.4, "noise": 0.9, "jpeg": 0.898}, 0.9, BASE, 0.9)
    assert error.mean == pytest.approx((0.6 / 0.4 + 0.1 / 0.2 + 1) / 3)
    # jpeg costs the baseline 0.2 points: nothing to divide by
    assert error.relative == pytest.approx((0.5 / 0.3 + 0.0 / 0.1) / 2)
    assert error.relative_kinds == 2


def test_the_baseline_is_one() -> None:
    assert corruption_error(BASE, 0.9, BASE, 0.9) == CorruptionError(1.0, 1.0, 2)


def test_what_cannot_be_divided_by_is_left_out() -> None:
    assert corruption_error({"fog": 0.4}, 0.9, {"fog": 1.0}, 1.0) == CorruptionError(None, None, 0)
    assert corruption_error({"fog": 0.5}, None, {"fog": 0.75}, 0.9) == CorruptionError(2.0, None, 0)
