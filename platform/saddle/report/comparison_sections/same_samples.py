"""The same test samples as the methods of several studies see them, and their curves in one figure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from saddle.analyse.evaluation.predictions import read_array
from saddle.analyse.study_comparison import StudyComparison, StudyView
from saddle.errors import Damaged, ForeignPath
from saddle.report.blocks import Figures
from saddle.report.drawing.axes import clean, legend_below, style_of
from saddle.report.drawing.canvas import LazyFigure, draw
from saddle.report.section import Section, left_out
from saddle.trial.record import TrialRecord
from trainables.contract import CURVE, MAP, MAPPED

MOST_COLUMNS, MOST_ROWS, MOST_CURVES = 12, 6, 16
CELL = 1.05
"""Inches of a side of a map."""
OVER = " over "
SAMPLES = ("x", "mask")
"""Maps that show what is there, not what a method sees; they come first."""


@dataclass(frozen=True)
class Shown:
    """An array of one trial, or of several that have the same."""

    name: str
    whose: str
    values: NDArray[Any]

    @property
    def title(self) -> str:
        """Its name, and whose it is where not all have it."""
        return f"{self.name}, {self.whose}" if self.whose else self.name


def page(comparison: StudyComparison) -> list[Figures]:
    """One picture of all maps, and a figure for each kind of curve."""
    figures = [figure for figure in (maps_figure(comparison.views), *curve_figures(comparison.views)) if figure]
    return [Figures(figures)] if figures else []


def maps_figure(views: Sequence[StudyView]) -> LazyFigure | None:
    """A row for each sample, a column for each map; None where fewer than two trials show the same samples."""
    trials = [(view, trial) for view in views for trial in view.illustrated if MAPPED in trial.arrays]
    placed = [(pair, places) for pair in trials if (places := _read(pair[0], pair[1].arrays[MAPPED])) is not None]
    same = [
        pair
        for pair, places in placed
        if np.array_equal(places, placed[0][1]) and _data(pair[1]) == _data(placed[0][0][1])
    ]
    if len(same) < 2:
        return None
    maps = sorted(once(_arrays(same, MAP)), key=_rank)[:MOST_COLUMNS]
    rows = min(MOST_ROWS, min(len(shown.values) for shown in maps))

    def paint(figure: Figure) -> None:
        cells = figure.subplots(rows, len(maps), squeeze=False, gridspec_kw={"wspace": 0.04, "hspace": 0.04})
        for line in range(rows):
            for axes, shown in zip(cells[line], maps, strict=True):
                axes.imshow(shown.values[line], cmap="gray", vmin=0, vmax=255, interpolation="nearest")
                axes.set_axis_off()
                if line == 0:
                    axes.set_title(_broken(shown.title), fontsize=6)

    caption = "Each row is one test sample, which all of these trials were tested on; each map is stretched to white."
    size = (CELL * len(maps), CELL * rows + 0.8)
    return draw("same-samples", "Maps of the methods for the same samples", caption, size, paint, size[1])


def curve_figures(views: Sequence[StudyView]) -> Iterator[LazyFigure]:
    """A figure for each kind of curve that at least two trials have."""
    trials = [(view, trial) for view in views for trial in view.illustrated]
    kinds = dict.fromkeys(
        name.removeprefix(CURVE).rpartition(".")[0]
        for _, trial in trials
        for name in trial.arrays
        if name.startswith(CURVE) and OVER in name
    )
    for kind in kinds:
        with_curve = [pair for pair in trials if any(name.startswith(f"{CURVE}{kind}.") for name in pair[1].arrays)]
        if len(with_curve) > 1:
            yield _curve_figure(kind, once(_arrays(with_curve, f"{CURVE}{kind}."))[:MOST_CURVES])


def _curve_figure(kind: str, curves: Sequence[Shown]) -> LazyFigure:
    y, _, x = kind.partition(OVER)

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        for index, shown in enumerate(curves):
            colour, line = style_of(index)
            axes.plot(*shown.values, color=colour, linestyle=line, lw=1.4, label=clean(shown.title))
        axes.set(xlabel=x, ylabel=y)
        legend_below(figure, axes, len(curves))

    caption = "The first seed of each arm; identical curves are drawn once."
    return draw(f"curves-{kind}", kind, caption, (8.6, 4.4), paint, 4.4)


def once(arrays: Sequence[Shown]) -> list[Shown]:
    """Each array once: one that several trials share belongs to none of them."""
    distinct: list[Shown] = []
    for shown in arrays:
        same = [
            index
            for index, other in enumerate(distinct)
            if other.name == shown.name and np.array_equal(other.values, shown.values)
        ]
        if same:
            distinct[same[0]] = replace(distinct[same[0]], whose="")
        else:
            distinct.append(shown)
    return distinct


def _arrays(trials: Sequence[tuple[StudyView, TrialRecord]], prefix: str) -> list[Shown]:
    several = len({view.name for view, _ in trials}) > 1 and len({trial.arm for _, trial in trials}) < len(trials)
    arrays = []
    for view, trial in trials:
        arm = trial.arm or trial.key  # a search has no arms
        whose = f"{arm} of {view.name}" if several else arm
        for name, path in trial.arrays.items():
            if name.startswith(prefix) and (values := _read(view, path)) is not None:
                arrays.append(Shown(name.removeprefix(prefix), whose, values))
    return arrays


def _read(view: StudyView, path: str) -> NDArray[Any] | None:
    if view.read is None:
        return None
    try:
        return read_array(path, view.read)
    except (OSError, Damaged, ForeignPath, ValueError):
        return None


def _data(trial: TrialRecord) -> object:
    return trial.fingerprints.get("data")


def _rank(shown: Shown) -> int:
    """The samples themselves, then what all trials share, then each trial's own in their order."""
    return SAMPLES.index(shown.name) if shown.name in SAMPLES else len(SAMPLES) + bool(shown.whose)


def _broken(title: str) -> str:
    return title.replace(", ", "\n").replace(" of ", "\nof ").replace("=", "=\n").replace("_", " ")


SAME_SAMPLES = Section("same-samples", "The same samples", 35, page, left_out)
