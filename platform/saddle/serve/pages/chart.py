"""Curves as SVG without text: labels are HTML around it, so that they stay readable on a phone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

WIDTH, HEIGHT = 100.0, 40.0
PALETTE = 8
"""Colours of curves, as classes `c0` to `c7`."""


@dataclass(frozen=True)
class Curve:
    """Values of one trial over the `epochs` that it has reached of those `planned`, the last one among them.

    `colour` is a place in the palette, None for a muted one.
    """

    values: Sequence[float]
    epochs: int
    name: str = ""
    planned: int | None = None
    colour: int | None = None
    is_running: bool = False


@dataclass(frozen=True)
class Chart:
    """Curves over their epochs between the least and the greatest value."""

    svg: Markup
    low: float
    high: float
    longest: int


def draw_chart(curves: Sequence[Curve]) -> Chart | None:
    """The chart of these curves; None if none has a finite value."""
    finite = [value for curve in curves for value in curve.values if math.isfinite(value)]
    if not finite:
        return None
    low, high = min(finite), max(finite)
    longest = max(curve.planned or curve.epochs for curve in curves)
    ordered = sorted(curves, key=lambda curve: (curve.is_running, curve.colour is not None))
    lines = Markup("").join(line for curve in ordered for line in _lines(curve, low, high, longest))
    svg = Markup('<svg viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="curves">{}</svg>').format(
        f"{WIDTH:g}", f"{HEIGHT:g}", lines
    )
    return Chart(svg, low, high, longest)


def _lines(curve: Curve, low: float, high: float, longest: int) -> list[Markup]:
    """A line for each stretch of finite values; one value alone is a short stroke."""
    stretches: list[list[str]] = [[]]
    between = (curve.epochs - 1) / max(1, len(curve.values) - 1)
    for place, value in enumerate(curve.values):
        if math.isfinite(value):
            stretches[-1].append(f"{_x(place * between, longest):.2f},{_y(value, low, high):.2f}")
        elif stretches[-1]:
            stretches.append([])
    look = f"{'muted' if curve.colour is None else f'c{curve.colour % PALETTE}'}{' running' * curve.is_running}"
    return [
        Markup('<polyline class="{}" points="{}"><title>{}</title></polyline>').format(
            look, _points(points), curve.name
        )
        for points in stretches
        if points
    ]


def _points(points: list[str]) -> str:
    if len(points) > 1:
        return " ".join(points)
    x, _, y = points[0].partition(",")
    return f"{x},{y} {float(x) + 1:.2f},{y}"


def _x(epoch: float, longest: int) -> float:
    """The horizontal position of an epoch, from 0."""
    return 1 + (WIDTH - 2) * epoch / max(1, longest - 1)


def _y(value: float, low: float, high: float) -> float:
    share = (value - low) / (high - low) if high > low else 0.5
    return HEIGHT - 2 - (HEIGHT - 4) * share
