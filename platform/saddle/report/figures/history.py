"""The course of a search: each trial's objective, and the best so far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from saddle.analyse.best import candidates, trial_order, value_of
from saddle.analyse.study_results import StudyResults
from saddle.report.drawing.axes import legend_below, metric_axis
from saddle.report.drawing.canvas import ACCENT, MUTED, PALETTE, LazyFigure, draw, is_narrow, nothing
from saddle.report.drawing.dense import dots
from saddle.report.study_figure import StudyFigure
from saddle.study.models import Constraint
from saddle.study.selection import objectives_of
from saddle.trial.outcome import METHOD_FAILURES, Outcome
from saddle.trial.record import TrialRecord
from trainables.contract import Metric

LOOKS: dict[str, dict[str, Any]] = {
    "completed": {"marker": "o", "color": ACCENT, "ms": 5, "mew": 0, "alpha": 0.8},
    "breaks a constraint": {"marker": "D", "color": PALETTE[4], "ms": 4.5, "mew": 0, "alpha": 0.8},
    "stopped early": {"marker": "o", "mfc": "none", "mec": MUTED, "ms": 5},
}


def history(
    entries: Sequence[TrialRecord],
    objectives: Sequence[Metric],
    constraints: Sequence[Constraint],
) -> LazyFigure:
    """Each trial's objective in the order of trials, and the best so far."""
    title = "Search history"
    ordered = sorted(entries, key=trial_order)
    if not ordered:
        return nothing("history", title, "No trial has finished yet.")

    def paint(figure: Figure) -> None:
        panels = figure.subplots(len(objectives), 1, squeeze=False, sharex=True)[:, 0]
        for axes, objective in zip(panels, objectives, strict=True):
            _history(axes, ordered, objective, constraints)
            metric_axis(axes, objective, title=objective.name.rpartition("/")[2] if len(panels) > 1 else None)
        panels[-1].set_xlabel("trial")
        if is_narrow(figure):
            legend_below(figure, panels[0], len(LOOKS))
        else:
            panels[0].legend(loc="upper left", bbox_to_anchor=(1.01, 1), fontsize=9)

    caption = (
        "Trials that were stopped early are shown at the value that they had reached; crosses at the bottom are "
        "trials that failed or whose values were not finite."
    )
    return draw("history", title, caption, (8.6, 0.8 + 2.5 * len(objectives)), paint, 1.4 + 2.4 * len(objectives))


def _history(axes: Axes, ordered: Sequence[TrialRecord], objective: Metric, constraints: Sequence[Constraint]) -> None:
    place = {entry.key: index if entry.number is None else entry.number for index, entry in enumerate(ordered)}
    feasible = {entry.key for entry in candidates(ordered, [objective], constraints)}
    valued = {entry.key: value for entry in ordered if (value := value_of(entry, objective.name)) is not None}
    kinds: dict[str, list[str]] = {kind: [] for kind in LOOKS}
    lost: dict[str, list[str]] = {"collapsed or diverged": [], "failed or without value": []}
    for entry in ordered:
        if entry.key in feasible:
            kinds["completed"].append(entry.key)
        elif entry.key in valued and entry.outcome == Outcome.COMPLETED:
            kinds["breaks a constraint"].append(entry.key)
        elif entry.key in valued and entry.outcome == Outcome.PRUNED:
            kinds["stopped early"].append(entry.key)
        else:
            failure = entry.outcome in METHOD_FAILURES
            lost["collapsed or diverged" if failure else "failed or without value"].append(entry.key)
    for kind, members in kinds.items():
        if members:
            dots(axes, [place[key] for key in members], [valued[key] for key in members], label=kind, **LOOKS[kind])
    completed = kinds["completed"]
    if completed:
        better = np.maximum if objective.direction == "maximize" else np.minimum
        steps = better.accumulate([valued[key] for key in completed])
        ends = [*[place[key] for key in completed], max(place.values())]
        axes.plot(ends, [*steps, steps[-1]], color=PALETTE[1], lw=1.8, drawstyle="steps-post", label="best so far")
    for name, members in lost.items():
        if members:
            dots(
                axes, [place[key] for key in members], [0.02] * len(members), marker="x",
                color=PALETTE[1] if name.startswith("collapsed") else MUTED,
                transform=axes.get_xaxis_transform(), label=name, clip_on=False,
            )  # fmt: skip
    axes.margins(y=0.12)
    if max(place.values()) < 12:
        axes.set_xticks(sorted(set(place.values())))


def _search_history(results: StudyResults) -> LazyFigure:
    study = results.study
    return history(results.comparable, objectives_of(study, results.declared), study.constraints)


HISTORY = StudyFigure("history", 100, _search_history, of=("search",))
