"""Each searched parameter against the objective."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from saddle.analyse.best import candidates
from saddle.analyse.searches.importance import drawn
from saddle.analyse.study_results import StudyResults
from saddle.analyse.text.formatting import Scale, label
from saddle.report.drawing.axes import category_axis, clean, log_axis, metric_axis
from saddle.report.drawing.canvas import ACCENT, PALETTE, LazyFigure, draw, is_narrow, nothing
from saddle.report.drawing.dense import dots
from saddle.report.study_figure import StudyFigure
from saddle.study.models import Study
from saddle.study.selection import objectives_of
from saddle.study.space import Parameter
from saddle.study.values import canonical, readable
from saddle.trial.record import TrialRecord
from trainables.contract import Metric

MOST_SLICES = 12


def slices(study: Study, entries: Sequence[TrialRecord], objective: Metric, best: TrialRecord | None) -> LazyFigure:
    """A panel for each parameter, with a dot for each completed trial."""
    title = "Parameters against the objective"
    shown = [(drawn(study, entry), entry) for entry in candidates(entries, [objective])]
    every = [name for name in study.search or {} if any(name in params for params, _ in shown)]
    names = every[:MOST_SLICES]
    if not names:
        return nothing("slices", title, "No trial has completed yet.")
    columns = min(len(names), 3)
    rows = math.ceil(len(names) / columns)

    def paint(figure: Figure) -> None:
        shape = (len(names), 1) if is_narrow(figure) else (rows, columns)
        panels = figure.subplots(*shape, squeeze=False, sharey=True, gridspec_kw={"wspace": 0.12})
        for axes in panels.flat[len(names) :]:
            axes.set_visible(False)
        for axes, name in zip(panels.flat, names, strict=False):
            points = [(params[name], entry) for params, entry in shown if name in params]
            _slice(axes, (study.search or {})[name], points, objective, best)
            axes.set_xlabel(clean(name, 30))
            metric_axis(axes, objective, title="")
        value = clean(label(objective.name), 30 if shape[0] == 1 else 60) + Scale.of(objective).unit
        if is_narrow(figure):
            panels.flat[0].set_title(value, loc="left")
        else:
            figure.supylabel(value, fontsize=9.5)

    caption = (
        f"Completed trials by {label(objective.name)}; the best in orange. Conditional parameters only where active."
    ) + (f" The first {MOST_SLICES} of {len(every)} parameters." if len(every) > MOST_SLICES else "")
    return draw(
        "slices", title, caption, (min(2.9 * columns + 0.4, 8.8), 2.35 * rows + 0.1), paint, 1.7 * len(names) + 0.3
    )


def _slice(
    axes: Axes,
    parameter: Parameter,
    points: Sequence[tuple[Any, TrialRecord]],
    objective: Metric,
    best: TrialRecord | None,
) -> None:
    values = [value for value, _ in points]
    if parameter.choice is not None:
        order = [canonical(choice) for choice in parameter.choice]
        place = {text: index for index, text in enumerate(order)}
        # A small fixed shift keeps equal values apart without randomness.
        x = [place.get(canonical(v), len(order)) + 0.08 * (i % 5 - 2) for i, v in enumerate(values)]
        category_axis(axes, [readable(choice) for choice in parameter.choice], length=12)
        axes.set_xlim(-0.6, len(order) - 0.4)
    else:
        x = [float(value) for value in values]
        if parameter.log:
            log_axis(axes, *parameter.bounds)
        else:
            low, high = parameter.bounds
            axes.set_xlim(low - 0.05 * (high - low), high + 0.05 * (high - low))
    dots(axes, x, [entry.metrics[objective.name] for _, entry in points], color=ACCENT, ms=4.5, alpha=0.65, mew=0)
    for at, (_, entry) in zip(x, points, strict=True):
        if best is not None and entry.key == best.key:
            axes.plot([at], [entry.metrics[objective.name]], "o", color=PALETTE[1], ms=8, mew=0)


def _slices(results: StudyResults) -> LazyFigure:
    objective = objectives_of(results.study, results.declared)[0]
    return slices(results.study, results.comparable, objective, results.answer.best)


SLICES = StudyFigure("slices", 140, _slices, of=("search",))
