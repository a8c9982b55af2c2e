"""Robust against clean accuracy: whether robustness costs accuracy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from matplotlib.figure import Figure

from saddle.analyse.best import value_of
from saddle.analyse.study_results import StudyResults
from saddle.report.drawing.arm_order import groups_in_order
from saddle.report.drawing.axes import clean, legend_below, metric_axis, style_of
from saddle.report.drawing.canvas import PALETTE, LazyFigure, draw
from saddle.report.drawing.dense import dots
from saddle.report.study_figure import StudyFigure
from saddle.study.trainable.declarations import Declarations
from saddle.trial.outcome import Outcome
from saddle.trial.record import TrialRecord
from trainables.contract import Metric

MOST_GROUPS = 16


def axes_of(entries: Iterable[TrialRecord], declared: Declarations) -> tuple[Metric, Metric] | None:
    """The clean and the robust metric that most entries have, on the test split if there is a choice."""
    names = sorted({name for entry in entries for name in entry.metrics})
    for split in ("test", "validation"):
        robust = [metric for metric in map(declared.metric, names) if metric.role == "robust" and metric.split == split]
        chosen = min(robust, key=lambda metric: not metric.worst_case, default=None)
        if chosen is not None and chosen.clean in names:
            return declared.metric(chosen.clean), chosen
    return None


def tradeoff(groups: Mapping[str, Sequence[TrialRecord]], declared: Declarations) -> LazyFigure | None:
    """A dot per trial that has both accuracies, in its group's colour; None if the method reports no such pair."""
    shown = dict(list(groups.items())[:MOST_GROUPS])
    axes_metrics = axes_of((entry for group in shown.values() for entry in group), declared)
    if axes_metrics is None:
        return None
    x_metric, y_metric = axes_metrics

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        for index, (name, entries) in enumerate(shown.items()):
            points = [(value_of(entry, x_metric.name), value_of(entry, y_metric.name)) for entry in entries]
            complete = [(x, y) for x, y in points if x is not None and y is not None]
            if complete:
                x, y = zip(*complete, strict=True)
                look = {"marker": "osD^"[index // len(PALETTE) % 4], "color": style_of(index)[0]}
                dots(axes, x, y, **look, ms=6, alpha=0.75, mew=0, label=clean(name))
        axes.margins(0.12)
        metric_axis(axes, x_metric, "x")
        metric_axis(axes, y_metric, "y")
        if len(axes.get_lines()) > 1:
            legend_below(figure, axes, len(shown))

    caption = "Every dot is a trial; up and to the right is better in both."
    return draw("tradeoff", "Robust against clean accuracy", caption, (5.6, 4.0), paint, 3.4)


def by_outcome(entries: Sequence[TrialRecord]) -> Mapping[str, Sequence[TrialRecord]]:
    """Completed trials apart from the rest, whose accuracies are those of a training that was cut short."""
    completed = [entry for entry in entries if entry.outcome == Outcome.COMPLETED]
    others = [entry for entry in entries if entry.outcome != Outcome.COMPLETED]
    return {name: group for name, group in {"completed": completed, "ended early": others}.items() if group}


def _tradeoff(results: StudyResults) -> LazyFigure | None:
    searched = results.study.search is not None
    groups = by_outcome(results.comparable) if searched else groups_in_order(results)
    return tradeoff(groups, results.declared)


TRADEOFF = StudyFigure("tradeoff", 170, _tradeoff, of=("search", "ablation", "relation"))
