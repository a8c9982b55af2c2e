"""Figures that put studies side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from saddle.analyse.sentences import scale_of
from saddle.analyse.study_comparison import StudyComparison, StudyView, mean_sd
from saddle.analyse.text.formatting import label
from saddle.report.blocks import Figures
from saddle.report.drawing.axes import Changes, clean, legend_below, metric_axis, name_rows, style_of, wrapped
from saddle.report.drawing.canvas import INK, MUTED, LazyFigure, draw, is_narrow, nothing
from saddle.report.section import Section, left_out

MOST_ARMS = 30
MARKERS = "osD^vP*X"
SPREAD = 0.62
"""The share of the room between two rows that the studies of one arm have."""


def _rows(views: Sequence[StudyView], index: int) -> float:
    """How far from its arm's line the study with this index is drawn."""
    return SPREAD * (index / max(1, len(views) - 1) - 0.5) if len(views) > 1 else 0.0


def _height(arms: Sequence[str], views: Sequence[StudyView]) -> float:
    return 1.3 + len(arms) * max(0.42, 0.2 * len(views))


def values_figure(views: Sequence[StudyView], arms: Sequence[str]) -> LazyFigure:
    """Every arm's mean with its standard deviation, and single seeds, study by study."""
    title = "Values"
    metric = views[0].metric
    same = [view for view in views if view.metric.name == metric.name]
    shown = [name for name in arms if any(arm.arm == name and arm.values for view in same for arm in view.arms)]
    shown = shown[:MOST_ARMS]
    if not shown:
        return nothing("across-values", title, "No replicate has completed yet.")

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        for index, view in enumerate(same):
            colour, marker = style_of(index)[0], MARKERS[index % len(MARKERS)]
            has_label = False
            for arm in view.arms:
                moments = mean_sd(arm)
                if arm.arm not in shown or moments is None:
                    continue
                row = shown.index(arm.arm) + _rows(same, index)
                mean, sd = moments
                seeds = list(arm.values.values())
                axes.plot(seeds, [row] * len(seeds), ".", color=colour, ms=4, alpha=0.45, mew=0)
                if math.isfinite(sd):
                    axes.plot([mean - sd, mean + sd], [row, row], color=colour, lw=1.6)
                axes.plot(
                    [mean], [row], marker, color=colour, ms=6.5, mew=0, label=None if has_label else clean(view.name)
                )
                has_label = True
        _arm_axis(axes, shown, narrow=is_narrow(figure))
        metric_axis(axes, metric, "x")
        legend_below(figure, axes, len(same))

    caption = "Mean ± standard deviation over seeds; small dots are single seeds."
    if len(arms) > len(shown):
        caption += f" {len(shown)} of {len(arms)} arms."
    return draw("across-values", title, caption, (8.6, _height(shown, same)), paint, 1.25 * _height(shown, same) + 0.3)


def effects_figure(views: Sequence[StudyView], arms: Sequence[str]) -> LazyFigure:
    """Every arm's effect against its study's own baseline, study by study, with intervals."""
    title = "Effects against each study's baseline"
    metric = views[0].metric
    same = [view for view in views if view.metric.name == metric.name and view.effects]
    shown = [a for a in arms if any(a in view.effects and view.effects[a].mean is not None for view in same)]
    shown = shown[:MOST_ARMS]
    if not shown:
        return nothing("across-effects", title, "No study has an arm to compare with its baseline yet.")
    scale = scale_of([effect for view in same for effect in view.effects.values()], metric)
    better = "right" if metric.direction == "maximize" else "left"

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        axes.axvline(0, color=INK, lw=1)
        for index, view in enumerate(same):
            colour, marker = style_of(views.index(view))[0], MARKERS[views.index(view) % len(MARKERS)]
            has_label = False
            for name, effect in view.effects.items():
                if name not in shown or effect.mean is None:
                    continue
                row = shown.index(name) + _rows(same, index)
                if effect.low is not None and effect.high is not None:
                    axes.plot([effect.low, effect.high], [row, row], color=colour, lw=2.2, solid_capstyle="butt")
                legend = None if has_label else clean(view.name)
                axes.plot([effect.mean], [row], marker, color=colour, ms=6.5, mew=0, label=legend)
                has_label = True
        _arm_axis(axes, shown, narrow=is_narrow(figure))
        axes.xaxis.set_major_formatter(Changes(scale))
        unit = scale.difference_unit
        axes.set_xlabel(wrapped(f"difference in {clean(label(metric.name), 50)}{unit}; better to the {better}", figure))
        legend_below(figure, axes, len(same))

    caption = "Mean paired difference with the interval that each study's own correction gives it."
    return draw("across-effects", title, caption, (8.6, _height(shown, same)), paint, 1.25 * _height(shown, same) + 0.3)


def _arm_axis(axes: Axes, shown: Sequence[str], *, narrow: bool) -> None:
    name_rows(axes, shown, narrow=narrow)
    for row in range(1, len(shown)):
        axes.axhline(row - 0.5, color=MUTED, lw=0.4, alpha=0.4)


def page(comparison: StudyComparison) -> list[Figures]:
    views, arms = comparison.views, comparison.arms
    drawn = [figure for figure in (values_figure(views, arms), effects_figure(views, arms)) if not figure.reason]
    return [Figures(drawn)] if drawn else []


FIGURES = Section("figures", "Figures", 30, page, left_out)
