"""Searches with several objectives: the Pareto front, and how the search reached it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from saddle.analyse.best import candidates
from saddle.analyse.searches.hypervolume import Course, hypervolume_course
from saddle.analyse.study_results import StudyResults
from saddle.analyse.text.formatting import Scale, label, listed
from saddle.report.drawing.axes import metric_axis, panel_row
from saddle.report.drawing.canvas import MUTED, PALETTE, LazyFigure, draw, nothing
from saddle.report.drawing.dense import dots
from saddle.report.study_figure import StudyFigure
from saddle.study.selection import objectives_of
from saddle.trial.record import TrialRecord
from trainables.contract import Metric


def fronts(
    entries: Sequence[TrialRecord],
    front: Sequence[TrialRecord],
    objectives: Sequence[Metric],
) -> LazyFigure:
    """Two objectives against each other; for three, each pair."""
    title = "Pareto front"
    shown = candidates(entries, objectives)
    pairs = list(itertools.combinations(objectives, 2))
    if not shown or not pairs:
        return nothing("pareto", title, "No trial has completed with a finite value of every objective yet.")
    on_front = {entry.key for entry in front}

    def paint(figure: Figure) -> None:
        panels = panel_row(figure, len(pairs))
        for axes, (x_metric, y_metric) in zip(panels, pairs, strict=True):
            dominated = [entry for entry in shown if entry.key not in on_front]
            x, y = ([e.metrics[metric.name] for e in dominated] for metric in (x_metric, y_metric))
            dots(axes, x, y, color=MUTED, ms=4, alpha=0.5, mew=0, label="dominated")
            ordered = sorted(front, key=lambda entry: entry.metrics[x_metric.name])
            line = "o-" if len(pairs) == 1 else "o"
            axes.plot(
                [e.metrics[x_metric.name] for e in ordered], [e.metrics[y_metric.name] for e in ordered], line,
                color=PALETTE[1], ms=6, lw=1.2, mew=0, label="on the front",
                drawstyle="steps-post" if x_metric.direction == "minimize" else "steps-pre",
            )  # fmt: skip
            metric_axis(axes, x_metric, "x", title=f"{x_metric.name.rpartition('/')[2]} ({x_metric.direction})")
            metric_axis(axes, y_metric, "y", title=f"{y_metric.name.rpartition('/')[2]} ({y_metric.direction})")
        panels[0].legend(fontsize=9)

    caption = "Trials on the front are bettered by no other trial in every objective."
    size = (5.4 if len(pairs) == 1 else 8.8, 3.6 if len(pairs) == 1 else 3.2)
    return draw("pareto", title, caption, size, paint, 2.9 * len(pairs))


def hypervolume(course: Course | None, objectives: Sequence[Metric]) -> LazyFigure:
    """The share of the space between reference and best that the front dominates, trial by trial."""
    title = "Hypervolume over the search"
    if course is None:
        return nothing(
            "hypervolume",
            title,
            "It needs feasible trials that differ in every objective.",
        )
    places = [index if entry.number is None else entry.number for index, entry in enumerate(course.trials)]
    until = next(place for place, share in zip(places, course.shares, strict=True) if share == course.shares[-1])

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        axes.plot(places, course.shares, color=PALETTE[1], lw=1.8, drawstyle="steps-post")
        axes.fill_between(places, course.shares, step="post", color=PALETTE[1], alpha=0.12, lw=0)
        axes.set_ylim(0, max(course.shares[-1] * 1.08, 0.05))
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=""))
        axes.set_ylabel("dominated share (%)")
        axes.set_xlabel("trial")

    ranges = listed(
        f"{label(metric.name)} from {Scale.of(metric).value(reference)} to {Scale.of(metric).value(best)}"
        for metric, reference, best in zip(objectives, course.reference, course.best, strict=True)
    )
    caption = (
        f"Share of the box between the reference and the best values of the search that the front dominates: {ranges}."
        f" It has not grown since trial {until}."
    )
    return draw("hypervolume", title, caption, (8.6, 2.8), paint)


def _fronts(results: StudyResults) -> LazyFigure | None:
    objectives = objectives_of(results.study, results.declared)
    return fronts(results.comparable, results.answer.front, objectives) if len(objectives) > 1 else None


def _hypervolume(results: StudyResults) -> LazyFigure | None:
    objectives = objectives_of(results.study, results.declared)
    if len(objectives) < 2:
        return None
    declared = [objective.reference for objective in results.study.objective or ()]
    course = hypervolume_course(results.comparable, objectives, results.study.constraints, declared)
    return hypervolume(course, objectives)


FRONTS = StudyFigure("pareto", 110, _fronts, of=("search",))
HYPERVOLUME = StudyFigure("hypervolume", 120, _hypervolume, of=("search",))
