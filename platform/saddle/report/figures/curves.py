"""Learning curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from saddle.analyse.student import Floats
from saddle.report.figures.axes import clean, epoch_axis, legend_below, percent_axis, style_of
from saddle.report.figures.canvas import MUTED, Plate, draw, nothing
from saddle.search.outcomes import Outcome
from saddle.store.entry import Entry

MOST_ARMS = 16
HIGHLIGHTED = 3
COMPANION = "validation/clean_accuracy"


def curve_of(entry: Entry, metric: str) -> Floats:
    """A metric per epoch; NaN where an epoch lacks it."""
    return np.array([point.get(metric, np.nan) for point in entry.curve], dtype=float)


def panels_of(entries: Sequence[Entry], metric: str) -> list[str]:
    """The metrics worth a panel: the selected one and clean accuracy, as far as any epoch reports them."""
    wanted = [metric, COMPANION, "validation/accuracy", "train/loss"]
    known = {name for entry in entries for point in entry.curve for name in point}
    return list(dict.fromkeys(name for name in wanted if name in known))[:2]


def arm_curves(groups: Mapping[str, Sequence[Entry]], metric: str) -> Plate:
    """The mean curve of each arm over seeds, and each seed's own."""
    title = "Learning curves"
    shown = dict(list(groups.items())[:MOST_ARMS])
    names = panels_of([entry for group in shown.values() for entry in group], metric)
    if not names:
        return nothing("curves", title, "No epoch has reported a validation metric yet.")

    def paint(figure: Figure) -> None:
        panels = figure.subplots(1, len(names), squeeze=False)[0]
        for axes, name in zip(panels, names, strict=True):
            for index, (arm, entries) in enumerate(shown.items()):
                _arm(axes, clean(arm), [curve_of(entry, name) for entry in entries], index)
            epoch_axis(axes)
            percent_axis(axes, name, above=True)
        legend_below(figure, panels[0], len(shown))

    caption = "Thick: mean over seeds, as far as every seed went; thin: single seeds."
    if len(groups) > MOST_ARMS:
        caption += f" The first {MOST_ARMS} of {len(groups)} arms."
    return draw("curves", title, caption, (4.3 * len(names) + 0.6 * (len(names) == 1), 3.5), paint)


def _arm(axes: Axes, name: str, curves: Sequence[Floats], index: int) -> None:
    colour, style = style_of(index)
    drawn = [curve for curve in curves if np.isfinite(curve).any()]
    for curve in drawn:
        axes.plot(np.arange(1, len(curve) + 1), curve, color=colour, lw=0.8, alpha=0.35)
    if drawn:
        shortest = min(len(curve) for curve in drawn)
        mean = np.mean([curve[:shortest] for curve in drawn], axis=0)
        axes.plot(np.arange(1, shortest + 1), mean, style, color=colour, lw=2.2, label=name)
        if shortest == 1:
            axes.plot([1], mean, "o", color=colour)


def trial_curves(entries: Sequence[Entry], best: Sequence[Entry], metric: str) -> Plate:
    """Every trial's curve: stopped ones end early, the best stand out."""
    title = "Learning curves"
    names = panels_of(entries, metric)
    if not names:
        return nothing("curves", title, "No epoch has reported a validation metric yet.")
    leading = list(best[:HIGHLIGHTED])
    faint = min(0.5, max(0.08, 20 / max(len(entries), 1)))  # so that hundreds of lines still show where they are dense
    rest = [entry for entry in entries if all(entry.key != leader.key for leader in leading)]

    def paint(figure: Figure) -> None:
        panels = figure.subplots(1, len(names), squeeze=False)[0]
        for axes, name in zip(panels, names, strict=True):
            for entry in rest:
                _trial(axes, curve_of(entry, name), faint, ended_early=entry.outcome != Outcome.COMPLETED)
            for rank, entry in enumerate(leading):
                called = clean(f"trial {entry.key if entry.number is None else entry.number}")
                curve = curve_of(entry, name)
                epochs = np.arange(1, len(curve) + 1)
                # The best in front, though it comes first in the legend.
                axes.plot(epochs, curve, color=style_of(rank)[0], lw=2.2, label=called, zorder=5 - rank)
            epoch_axis(axes)
            percent_axis(axes, name, above=True)
        legend_below(figure, panels[0], len(leading))

    caption = "One line per trial; a cross marks where one was stopped, collapsed or failed. The best in colour."
    return draw("curves", title, caption, (4.3 * len(names) + 0.6 * (len(names) == 1), 3.5), paint)


def _trial(axes: Axes, curve: Floats, alpha: float, *, ended_early: bool) -> None:
    if np.isfinite(curve).any():
        epochs = np.arange(1, len(curve) + 1)
        axes.plot(epochs, curve, color=MUTED, lw=0.8, alpha=alpha)
        marker, size = ("x", 5) if ended_early else (".", 3)
        axes.plot(epochs[-1:], curve[-1:], marker, color=MUTED, ms=size, alpha=min(1.0, 1.5 * alpha))
