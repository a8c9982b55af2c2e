"""Attainment surfaces as staircases in a panel of two metrics."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from saddle.analyse.statistics.paired.paired_t import Floats
from saddle.report.drawing.canvas import PALETTE
from trainables.contract import Metric

LOOKS = ("--", "-", ":")
"""For what one run, half of them and all attain."""


def draw_surfaces(
    axes: Axes, pair: Sequence[Metric], surfaces: Sequence[Floats], names: Sequence[str], points: Floats
) -> None:
    """The surfaces, corners (m, 2) where smaller is better, as lines; `points` (N, 2) of the metrics limit them."""
    signs = np.array([-1.0 if metric.direction == "maximize" else 1.0 for metric in pair])
    worst = (points * signs).max(0) + 0.04 * np.ptp(points, axis=0)
    for name, surface, look in zip(names, surfaces, LOOKS, strict=False):
        x, y = staircase(surface, worst)
        axes.plot(signs[0] * np.array(x), signs[1] * np.array(y), look, color=PALETTE[0], lw=1.6, label=name)


def staircase(corners: Floats, worst: Floats) -> tuple[list[float], list[float]]:
    """The line around what these corners (m, 2) attain where smaller is better, from the first to the last edge."""
    ordered = corners[np.argsort(corners[:, 0])]
    x, y = [float(ordered[0, 0])], [float(worst[1])]
    for index, (left, bottom) in enumerate(ordered):
        after = ordered[index + 1, 0] if index + 1 < len(ordered) else worst[0]
        x += [float(left), float(after)]
        y += [float(bottom), float(bottom)]
    return x, y
