"""Parallel coordinates: which combinations of parameters the best trials of a search have."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from saddle.analyse.best import candidates
from saddle.analyse.searches.importance import drawn, evenly
from saddle.analyse.study_results import StudyResults
from saddle.analyse.text.formatting import Scale, label, setting
from saddle.report.cited_trials import leaders
from saddle.report.drawing.axes import clean
from saddle.report.drawing.canvas import ACCENT, GRID, INK, MUTED, PALETTE, LazyFigure, draw, is_narrow, nothing
from saddle.report.drawing.dense import MANY
from saddle.report.study_figure import StudyFigure
from saddle.study.models import Study
from saddle.study.selection import objectives_of
from saddle.study.space import Parameter
from saddle.study.values import canonical, readable
from saddle.trial.record import TrialRecord
from trainables.contract import Metric

MOST_AXES = 12
FEWEST_TRIALS = 3
MOST_LINES = 1_000
"""Lines of trials that do not lead; more only make the grey darker, and take seconds to draw."""
INACTIVE = -0.12
"""Where a line passes an axis whose parameter the trial does not have."""


@dataclass(frozen=True)
class Axis:
    """One upright: how a trial's value is placed between 0 and 1, and the words along it."""

    name: str
    ticks: Mapping[float, str]
    places: Sequence[float]


def parallel(
    study: Study,
    entries: Sequence[TrialRecord],
    objectives: Sequence[Metric],
    leaders: Sequence[TrialRecord],
) -> LazyFigure:
    """A line per completed trial through its parameters and objectives; the leading ones in colour."""
    title = "Parameters together"
    shown = candidates(entries, objectives)
    if len(shown) < FEWEST_TRIALS:
        return nothing("parallel", title, f"It needs {FEWEST_TRIALS} completed trials.")
    params = [drawn(study, entry) for entry in shown]
    searched = {
        name: p for name, p in (study.search or {}).items() if any(name in trial_params for trial_params in params)
    }
    uprights = [_of_parameter(name, p, params) for name, p in list(searched.items())[: MOST_AXES - len(objectives)]]
    uprights += [_of_objective(objective, shown) for objective in objectives]
    count = max(1, min(10, math.ceil(len(shown) / 10)))
    rank = {entry.key: place for place, entry in enumerate(leaders[:count])}
    others = [index for index, entry in enumerate(shown) if entry.key not in rank]

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        lines = np.array([upright.places for upright in uprights]).T
        narrow = is_narrow(figure)
        background = [_turned(range(len(uprights)), lines[index], narrow) for index in evenly(others, MOST_LINES)]
        faint = min(0.45, max(0.03, 25 / max(len(background), 1)))
        bundle = [np.column_stack(line) for line in background]
        axes.add_collection(
            LineCollection(bundle, colors=MUTED, lw=0.8, alpha=faint, rasterized=len(background) > MANY)
        )
        for entry, line in zip(shown, lines, strict=True):
            if entry.key in rank:
                best = rank[entry.key] == 0 and len(objectives) == 1
                colour, width = (PALETTE[1], 2.4) if best else (ACCENT, 1.4)
                along = _turned(range(len(line)), line, narrow)
                axes.plot(*along, color=colour, lw=width, alpha=0.95, zorder=6 if best else 4)
        for place, upright in enumerate(uprights):
            (_across if narrow else _upright)(axes, place, upright, len(uprights))
        if narrow:
            axes.set_xlim(INACTIVE - 0.05, 1.05)
            axes.set_ylim(len(uprights) - 0.6, -0.5)
        else:
            axes.set_xlim(-0.25, len(uprights) - 0.6)
            axes.set_ylim(INACTIVE - 0.05, 1.05)
        axes.set_axis_off()

    caption = "One line per completed trial; "
    if len(objectives) > 1:
        caption += f"in colour {len(rank)} of the Pareto front."
    else:
        caption += f"the best in orange{f', the next {count - 1} in blue' * (count > 1)}."
    if len(others) > MOST_LINES:
        caption += f" {MOST_LINES:,} of the {len(others):,} others are drawn, evenly over the search."
    if any(INACTIVE in upright.places for upright in uprights):
        caption += " A line passes below an axis whose parameter the trial does not have."
    if len(searched) + len(objectives) > MOST_AXES:
        caption += f" The first {MOST_AXES - len(objectives)} of {len(searched)} parameters."
    return draw("parallel", title, caption, (8.8, 3.6), paint, 0.3 + 0.72 * len(uprights))


def _turned(places: Sequence[int], heights: Any, narrow: bool) -> tuple[Any, Any]:
    """The points of a line as x and y: from the left to the right, on a phone from the top to the bottom."""
    return (heights, places) if narrow else (places, heights)


def _of_parameter(name: str, parameter: Parameter, params: Sequence[Mapping[str, Any]]) -> Axis:
    if parameter.choice is not None:
        choices = {canonical(choice): choice for choice in parameter.choice}
        for trial_params in params:  # from before the choices were changed
            if name in trial_params:
                choices.setdefault(canonical(trial_params[name]), trial_params[name])
        step = 1 / max(len(choices) - 1, 1)
        places = {text: index * step for index, text in enumerate(choices)}
        ticks = {places[text]: readable(choice) for text, choice in choices.items()}
        return Axis(
            name,
            ticks,
            [places[canonical(trial_params[name])] if name in trial_params else INACTIVE for trial_params in params],
        )
    low, high = parameter.bounds
    scale = math.log if parameter.log else float
    bottom, top = scale(low), scale(high)

    def place(value: float) -> float:
        inside = min(max(value, low), high)  # from before the range was changed
        return (scale(inside) - bottom) / (top - bottom)

    middle = math.sqrt(low * high) if parameter.log else (low + high) / 2
    whole = parameter.int_range is not None
    ticks = {place(v): setting(int(v) if whole else float(v)) for v in (low, middle, high) if not whole or v == int(v)}
    heights = [place(float(drawn_params[name])) if name in drawn_params else INACTIVE for drawn_params in params]
    return Axis(name, ticks, heights)


def _of_objective(objective: Metric, shown: Sequence[TrialRecord]) -> Axis:
    values = np.array([entry.metrics[objective.name] for entry in shown])
    low, high = float(values.min()), float(values.max())
    width = high - low or 1.0
    scale = Scale.of(objective)
    ticks = {0.0: scale.value(low), 1.0: scale.value(high)} if high > low else {0.0: scale.value(low)}
    arrow = "↑" if objective.direction == "maximize" else "↓"
    name = objective.name.rpartition("/")[2]  # all of them are of validation data, and room is short
    return Axis(f"{arrow} {label(name)}", ticks, ((values - low) / width).tolist())


def _upright(axes: Axes, place: int, upright: Axis, count: int) -> None:
    axes.plot([place, place], [0, 1], color=INK, lw=1.1, zorder=3)
    for height, words in upright.ticks.items():
        axes.plot([place - 0.02, place + 0.02], [height] * 2, color=INK, lw=1.1, zorder=3)
        axes.annotate(
            clean(words, 14), (place, height), (6, 0), textcoords="offset points", va="center", fontsize=9, zorder=8,
            bbox={"boxstyle": "round,pad=0.12", "fc": GRID, "ec": "none", "alpha": 0.75},
        )  # fmt: skip
    length = max(12, 120 // count)
    axes.annotate(clean(upright.name, length), (place, 1.0), (0, 12 + 13 * (place % 2)), textcoords="offset points",
                  ha="right" if place == count - 1 else "left" if place == 0 else "center", fontsize=9)  # fmt: skip


def _across(axes: Axes, place: int, upright: Axis, count: int) -> None:
    """The same horizontally, for a phone: its name above, its words below."""
    axes.plot([0, 1], [place, place], color=INK, lw=1.1, zorder=3)
    for at, words in upright.ticks.items():
        axes.plot([at] * 2, [place - 0.04, place + 0.04], color=INK, lw=1.1, zorder=3)
        side = "left" if at < 0.05 else "right" if at > 0.95 else "center"
        axes.annotate(
            clean(words, 14), (at, place), (0, -5), textcoords="offset points", va="top", ha=side, fontsize=9,
            zorder=8, bbox={"boxstyle": "round,pad=0.12", "fc": GRID, "ec": "none", "alpha": 0.75},
        )  # fmt: skip
    axes.annotate(clean(upright.name, 40), (0, place), (0, 6), textcoords="offset points", fontsize=9, zorder=8)


def _parallel(results: StudyResults) -> LazyFigure | None:
    study = results.study
    if len(study.search or {}) < 2:
        return None
    return parallel(study, results.comparable, objectives_of(study, results.declared), leaders(results))


PARALLEL = StudyFigure("parallel", 150, _parallel, of=("search",))
