"""Drawing thousands of trials so that a figure stays readable, and its page small."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes

MANY = 200
"""Trials beyond which clouds of points are embedded as a picture, and bundles of curves become bands."""


def dots(axes: Axes, x: Sequence[float], y: Sequence[float], **look: Any) -> None:
    """Points, fainter and smaller if there are many; so many separate marks would make a huge page."""
    dense = len(x) > MANY
    if dense:
        look["ms"] = 0.75 * look.get("ms", 5)
        look["alpha"] = look.get("alpha", 1.0) * max(0.3, (MANY / len(x)) ** 0.4)
    axes.plot(x, y, linestyle="none", rasterized=dense, **{"marker": "o", **look})
