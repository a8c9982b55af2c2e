"""Learning curves."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from saddle.analyse.evaluation.validation_terms import validation_terms
from saddle.analyse.statistics.paired.paired_t import Floats
from saddle.analyse.study_results import StudyResults
from saddle.analyse.text.formatting import label, listed
from saddle.report.cited_trials import leaders
from saddle.report.drawing.arm_order import groups_in_order
from saddle.report.drawing.axes import clean, epoch_axis, legend_below, metric_axis, panel_row, style_of
from saddle.report.drawing.canvas import MUTED, LazyFigure, draw, is_narrow, nothing
from saddle.report.drawing.dense import MANY
from saddle.report.study_figure import StudyFigure
from saddle.study.selection import objectives_of
from saddle.study.trainable.declarations import Declarations
from saddle.trial.outcome import Outcome
from saddle.trial.record import TrialRecord
from trainables.contract import Metric

MOST_TOGETHER = 5
"""Arms whose bands can still be distinguished in one panel; more get a panel each."""
MOST_ARMS = 24
HIGHLIGHTED = 3


def curve_of(entry: TrialRecord, metric: str) -> Floats:
    """A metric per epoch; NaN if an epoch lacks it."""
    return np.array([point.get(metric, np.nan) for point in entry.curve], dtype=float)


def panels_of(entries: Sequence[TrialRecord], metric: Metric, declared: Declarations) -> list[Metric]:
    """The metrics worth a panel: the given one and clean accuracy, or the loss, if any epoch reports them."""
    reported = dict.fromkeys(name for entry in entries for point in entry.curve for name in point)
    wanted = [name for name in (metric.name, metric.clean) if name in reported]
    metrics = [*map(declared.metric, wanted), *declared.in_role("clean", reported), *declared.in_role("loss", reported)]
    return [
        candidate for candidate in dict.fromkeys(metrics) if candidate.split != "train" or candidate.role == "loss"
    ][:2]


def stacked(entries: Sequence[TrialRecord], metric: str) -> Floats:
    """The curves as rows (trial, epoch), NaN behind the end of a shorter one; those without any value are left out."""
    curves = [curve for entry in entries if np.isfinite(curve := curve_of(entry, metric)).any()]
    table = np.full((len(curves), max((len(curve) for curve in curves), default=0)), np.nan)
    for row, curve in zip(table, curves, strict=True):
        row[: len(curve)] = np.where(np.isfinite(curve), curve, np.nan)
    return table


def apart(entries: Sequence[TrialRecord], metrics: Sequence[Metric], declared: Declarations) -> str:
    """That curves of trials that were validated differently can't be compared, as the end of a caption."""
    has_robust = any(metric.role == "robust" and metric.split == "validation" for metric in metrics)
    terms = [term for term in validation_terms(entries, declared.evaluation_fields) if not term.ranks_trials]
    if not has_robust or not terms:
        return ""
    return f" Robust accuracies of different curves can't be compared: {listed(map(str, terms))}."


def arm_curves(groups: Mapping[str, Sequence[TrialRecord]], metric: Metric, declared: Declarations) -> LazyFigure:
    """The mean curve of each arm over seeds in a band from its lowest seed to its highest; the baseline comes first."""
    title = "Learning curves"
    shown = dict(list(groups.items())[:MOST_ARMS])
    metrics = panels_of([entry for group in shown.values() for entry in group], metric, declared)
    if not metrics:
        return nothing("curves", title, "No epoch has reported a validation metric yet.")
    caption = "Lines are means over seeds as far as every seed went, bands reach from the lowest seed to the highest."
    caption += apart([entry for group in shown.values() for entry in group], metrics, declared)
    if len(shown) > MOST_TOGETHER:
        return _panel_each(shown, metrics[0], caption, len(groups))

    def paint(figure: Figure) -> None:
        panels = panel_row(figure, len(metrics))
        for axes, plotted in zip(panels, metrics, strict=True):
            for index, (arm, entries) in enumerate(shown.items()):
                colour, style = style_of(index)
                _arm(axes, clean(arm), stacked(entries, plotted.name), colour, style)
            epoch_axis(axes)
            metric_axis(axes, plotted, above=True)
        legend_below(figure, panels[0], len(shown))

    return draw("curves", title, caption, *_size(metrics, paint, len(shown)))


def _size(
    metrics: Sequence[Metric], paint: Callable[[Figure], None], names: int
) -> tuple[tuple[float, float], Callable[[Figure], None], float]:
    """The size of a panel for each metric, its paint, and the height on a phone."""
    return (4.3 * len(metrics) + 0.6 * (len(metrics) == 1), 3.5), paint, 2.6 * len(metrics) + 0.2 * names


def _panel_each(shown: Mapping[str, Sequence[TrialRecord]], metric: Metric, caption: str, count: int) -> LazyFigure:
    """A small panel per arm with the baseline's mean in grey behind it."""
    (_, first), *others = shown.items()
    baseline = stacked(first, metric.name)
    rows, narrow_rows = math.ceil(len(others) / 4), math.ceil(len(others) / 2)

    def paint(figure: Figure) -> None:
        shape = (narrow_rows, 2) if is_narrow(figure) else (rows, 4)
        panels = figure.subplots(*shape, squeeze=False, sharex=True, sharey=True)
        for axes in panels.flat[len(others) :]:
            axes.set_visible(False)
        for axes, (arm, entries) in zip(panels.flat, others, strict=False):
            _arm(axes, "baseline", baseline, MUTED, "--")
            _arm(axes, "arm", stacked(entries, metric.name), style_of(0)[0], "-")
            axes.set_title(clean(arm, 22 if is_narrow(figure) else 26), fontsize=9)
            metric_axis(axes, metric, title="")
        for axes in panels[-1]:
            epoch_axis(axes)
        (figure.supxlabel if is_narrow(figure) else figure.supylabel)(clean(label(metric.name), 40), fontsize=9.5)

    caption += f" The baseline ({clean(next(iter(shown)))}) is dashed and grey."
    if count > MOST_ARMS:
        caption += f" The first {MOST_ARMS} of {count} arms."
    return draw("curves", "Learning curves", caption, (8.8, 1.75 * rows + 0.5), paint, 1.5 * narrow_rows + 0.5)


def _arm(axes: Axes, name: str, curves: Floats, colour: str, style: str) -> None:
    if not len(curves):
        return
    epochs = np.arange(1, curves.shape[1] + 1)
    present = np.isfinite(curves).any(axis=0)
    low, high = np.full(len(epochs), np.nan), np.full(len(epochs), np.nan)
    low[present], high[present] = np.nanmin(curves[:, present], axis=0), np.nanmax(curves[:, present], axis=0)
    if len(curves) > 1:
        axes.fill_between(epochs, low, high, color=colour, alpha=0.16, lw=0)
    mean = np.mean(curves, axis=0)  # NaN as soon as one seed has ended
    axes.plot(epochs, mean, style, color=colour, lw=2.0, label=name, marker="o" if len(epochs) == 1 else None)


def trial_curves(
    entries: Sequence[TrialRecord], best: Sequence[TrialRecord], metric: Metric, declared: Declarations
) -> LazyFigure:
    """Every trial's curve, or bands over them if there are many; the best ones are highlighted."""
    title = "Learning curves"
    metrics = panels_of(entries, metric, declared)
    if not metrics:
        return nothing("curves", title, "No epoch has reported a validation metric yet.")
    leading = list(best[:HIGHLIGHTED])
    keys = {leader.key for leader in leading}
    others = [entry for entry in entries if entry.key not in keys]

    def paint(figure: Figure) -> None:
        panels = panel_row(figure, len(metrics))
        for axes, plotted in zip(panels, metrics, strict=True):
            if len(others) > MANY:
                _bands(axes, stacked(others, plotted.name))
            else:
                _bundle(axes, others, plotted.name)
            for rank, entry in enumerate(leading):
                name = clean(f"trial {entry.key if entry.number is None else entry.number}")
                curve = curve_of(entry, plotted.name)
                epochs = np.arange(1, len(curve) + 1)
                # The best in front, though it comes first in the legend.
                axes.plot(epochs, curve, color=style_of(rank)[0], lw=2.2, label=name, zorder=5 - rank)
            epoch_axis(axes)
            metric_axis(axes, plotted, above=True)
        legend_below(figure, panels[0], len(leading) + 3)

    caption = (
        "Of the trials that reached an epoch, half are in the dark band and eight of ten in the light one."
        if len(others) > MANY
        else "One line per trial; a cross marks the epoch at which one was stopped, collapsed or failed."
    )
    caption += f" The best in colour.{apart(entries, metrics, declared)}"
    return draw("curves", title, caption, *_size(metrics, paint, len(leading) + 1))


def _bands(axes: Axes, curves: Floats) -> None:
    if not len(curves):
        return
    present = np.isfinite(curves).any(axis=0)
    epochs = np.arange(1, curves.shape[1] + 1)[present]
    low, quarter, middle, three, high = np.nanquantile(curves[:, present], [0.1, 0.25, 0.5, 0.75, 0.9], axis=0)
    axes.fill_between(epochs, low, high, color=MUTED, alpha=0.18, lw=0, label="80 % of trials")
    axes.fill_between(epochs, quarter, three, color=MUTED, alpha=0.28, lw=0, label="50 % of trials")
    axes.plot(epochs, middle, color=MUTED, lw=1.6, ls="--", label="median")


def _bundle(axes: Axes, entries: Sequence[TrialRecord], metric: str) -> None:
    faint = min(0.5, max(0.08, 20 / max(len(entries), 1)))  # so that many dense lines can still be seen
    for entry in entries:
        curve = curve_of(entry, metric)
        if np.isfinite(curve).any():
            epochs = np.arange(1, len(curve) + 1)
            axes.plot(epochs, curve, color=MUTED, lw=0.8, alpha=faint)
            marker, size = (".", 3) if entry.outcome == Outcome.COMPLETED else ("x", 5)
            axes.plot(epochs[-1:], curve[-1:], marker, color=MUTED, ms=size, alpha=min(1.0, 1.5 * faint))


def _arm_curves(results: StudyResults) -> LazyFigure:
    return arm_curves(groups_in_order(results), results.declared.selected, results.declared)


def _trial_curves(results: StudyResults) -> LazyFigure:
    objective = objectives_of(results.study, results.declared)[0]
    return trial_curves(results.comparable, leaders(results), objective, results.declared)


ARM_CURVES = StudyFigure("arm_curves", 60, _arm_curves, of=("ablation",))
TRIAL_CURVES = StudyFigure("trial_curves", 160, _trial_curves, of=("search",))
