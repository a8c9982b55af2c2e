"""Curves as pictures, for the report and MLflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def plot_curves(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    x: str,
    y: str,
    highest: float = 1.0,
    bands: Mapping[str, tuple[Sequence[float], Sequence[float]]] | None = None,
) -> Any:
    """Curves (x values, y values) by name, with y between 0 and `highest`, as an image (H, W, 3) uint8.

    `bands`: lower and upper ends of the intervals of some of them, by name.
    """
    import numpy as np
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.0, 3.6), dpi=110, layout="constrained")  # no pyplot: it would leave global state
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for name, (xs, ys) in curves.items():
        style = "--" if "p_fake" in name else ":" if name.startswith("always") else "-"
        [line] = axes.plot(xs, ys, label=name, linestyle=style, linewidth=1.5)
        if bands is not None and name in bands:
            axes.fill_between(xs, *bands[name], color=line.get_color(), alpha=0.12, linewidth=0)
    axes.set(xlabel=x, ylabel=y, ylim=(-0.02 * highest, 1.02 * highest))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, frameon=False, loc="best")
    canvas.draw()  # type: ignore[no-untyped-call]
    return np.asarray(canvas.buffer_rgba())[:, :, :3].copy()  # type: ignore[no-untyped-call]
