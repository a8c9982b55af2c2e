"""Curves as lines: where they stand, and what is left out."""

from __future__ import annotations

import math
import re

from hypothesis import given
from hypothesis import strategies as st

from saddle.serve.pages.chart import HEIGHT, WIDTH, Curve, draw_chart
from saddle.serve.watched.trial_lines import DRAWN_POINTS, values_of

POINT = re.compile(r"(-?[\d.]+),(-?[\d.]+)")


def points(svg: str) -> list[list[tuple[float, float]]]:
    """The points of each line."""
    return [[(float(x), float(y)) for x, y in POINT.findall(line)] for line in re.findall(r'points="([^"]*)"', svg)]


@given(st.lists(st.lists(st.floats(width=32), min_size=1, max_size=9), min_size=1, max_size=4))
def test_every_line_stays_within_the_frame(curves: list[list[float]]) -> None:
    chart = draw_chart([Curve(values, len(values), str(place)) for place, values in enumerate(curves)])
    finite = [value for values in curves for value in values if math.isfinite(value)]
    if not finite:
        assert chart is None
        return
    assert chart is not None
    assert (chart.low, chart.high) == (min(finite), max(finite))
    for x, y in (point for line in points(chart.svg) for point in line):
        assert 0 <= x <= WIDTH
        assert 0 <= y <= HEIGHT


def test_a_curve_under_way_leaves_room_for_the_epochs_that_are_planned() -> None:
    chart = draw_chart([Curve([0.0, 1.0], 2, planned=3), Curve([0.0, 0.5, 1.0], 3)])
    assert chart is not None
    running, ended = points(chart.svg)
    assert running[-1][0] == ended[1][0]
    assert chart.longest == 3


def test_a_gap_parts_a_line_and_a_name_is_no_markup() -> None:
    chart = draw_chart([Curve([1.0, 2.0, math.nan, 3.0], 4, "<b>&")])
    assert chart is not None
    assert len(points(chart.svg)) == 2
    assert "&lt;b&gt;&amp;" in chart.svg


def test_a_thinned_curve_keeps_its_last_value() -> None:
    curve = [{"a": float(epoch)} for epoch in range(1000)]
    values = values_of(curve, "a")
    assert len(values) <= DRAWN_POINTS
    assert values[-1] == 999.0
    assert values_of([{"b": 1.0}], "a") == ()
