"""Numbers as a reader wants them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saddle.analyse.text.formatting import Scale, duration, label, listed, p_equals, p_value, setting
from trainables.contract import Metric, complete_metric

SHARE = Metric("maximize", unit="fraction")


@pytest.mark.parametrize(
    ("metric", "fraction"),
    [
        ("test/robust_accuracy.worst_case", True),
        ("test/clean_accuracy", True),
        ("test/success_rate.pgd", True),
        ("test/iou", True),
        ("test/validity.worst_direction", True),
        ("train/loss", False),
        ("test/fid", False),
        ("test/learning_rates", False),
        ("test/distance.accuracy", False),
    ],
)
def test_shares_are_told_by_their_names(metric: str, fraction: bool) -> None:
    assert complete_metric(metric).is_fraction is fraction


def test_accuracies_are_in_per_cent_and_their_differences_in_points() -> None:
    scale = Scale.of(SHARE, [0.021])
    assert scale.value(0.8321) == "83.2 %"
    assert scale.difference(-0.0081) == "−0.8 points"
    assert scale.interval(-0.012, 0.028) == "−1.2 to +2.8"
    assert scale.value(None) == scale.value(float("nan")) == "–"
    fine = Scale.of(SHARE, [0.0004])
    assert fine.interval(-0.0003, 0.0005) == "−0.030 to +0.050"
    assert Scale.of(Metric("minimize"), [3.2]).difference(1.26) == "+1.3"


@settings(deadline=None)
@given(st.floats(-1, 1, exclude_min=True), st.floats(0.0001, 1))
def test_an_end_that_rounds_to_zero_keeps_its_sign(end: float, spread: float) -> None:
    printed = Scale.of(SHARE, [spread]).change(end)
    assert printed.startswith("−" if str(end).startswith("-") else "+")


def test_p_values_are_never_rounded_across_a_level() -> None:
    assert [p_value(p) for p in (0.0499, 0.0501, 0.414, 1.0, 0.0004, None)] == [
        "0.0499", "0.0501", "0.41", "1", "< 0.001", "–",
    ]  # fmt: skip
    assert (p_equals(0.03), p_equals(0.0001)) == ("= 0.03", "< 0.001")


def test_names_settings_lists_and_times() -> None:
    assert label("test/robust_accuracy.worst_case") == "test robust accuracy (worst case)"
    assert [setting(v) for v in (0.012345678901234, 1e-05, True, None, ["a", 1], "mp")] == [
        "0.01235", "1e−05", "true", "null", "[a, 1]", "mp",
    ]  # fmt: skip
    assert [listed(items) for items in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]
    assert [duration(s) for s in (1.23, 59.4, 61, 3725)] == ["1.2 s", "59 s", "1 min 01 s", "1 h 02 min"]
