"""What keeps a figure of thousands of trials readable, and its page small."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes

MANY = 200
"""Trials beyond which clouds of points are embedded as a picture, and bundles of curves become bands."""


def dots(axes: Axes, x: Sequence[float], y: Sequence[float], **look: Any) -> None:
    """Points that grow fainter and smaller the more they are; as many marks of their own would make a huge page."""
    many = len(x) > MANY
    if many:
        look["ms"] = 0.75 * look.get("ms", 5)
        look["alpha"] = look.get("alpha", 1.0) * max(0.3, (MANY / len(x)) ** 0.4)
    axes.plot(x, y, linestyle="none", rasterized=many, **{"marker": "o", **look})
