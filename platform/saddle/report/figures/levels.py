"""One factor with many numbers as levels: each metric as a function of it, and the baseline's level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from saddle.analyse.arms.paired_values import ArmValues
from saddle.analyse.study_results import StudyResults
from saddle.analyse.text.formatting import setting
from saddle.design import Arm
from saddle.report.drawing.axes import Numbers, clean, legend_below, metric_axis, style_of
from saddle.report.drawing.canvas import MUTED, LazyFigure, draw, is_narrow
from saddle.report.study_figure import StudyFigure
from saddle.study.trainable.metrics import matching
from trainables.contract import Metric

FEWEST_LEVELS = 3
MOST_PANELS = 4
LOG_FROM = 30.0
"""A largest level so many times the least is shown on a logarithmic axis."""


def along(
    factors: Mapping[str, Sequence[Any]], arms: Sequence[Arm], measured: Mapping[Metric, Sequence[ArmValues]]
) -> LazyFigure | None:
    """A panel per metric: means over seeds along the factor's levels, the baseline's as a line across.

    `measured`: metric → its values by arm, in the order of `arms`. None for other designs, or without values.
    """
    if len(factors) != 1:
        return None
    [factor] = factors
    levels = [arm.levels.get(factor) for arm in arms]
    numbers = [float(level) for level in levels if isinstance(level, int | float) and not isinstance(level, bool)]
    shown = {metric: values for metric, values in measured.items() if any(arm.values for arm in values)}
    shown = dict(list(shown.items())[:MOST_PANELS])
    if len(numbers) < len(levels) or len(numbers) < FEWEST_LEVELS or not shown:
        return None

    def paint(figure: Figure) -> None:
        columns = 1 if is_narrow(figure) else min(2, len(shown))
        panels = figure.subplots(-(-len(shown) // columns), columns, squeeze=False, sharex=True)
        for axes in panels.flat[len(shown) :]:
            axes.set_visible(False)
        for index, (axes, (metric, values)) in enumerate(zip(panels.flat, shown.items(), strict=False)):
            _panel(axes, arms, numbers, values, style_of(index)[0])
            _level_axis(axes, numbers)
            axes.set_xlabel(clean(factor))
            metric_axis(axes, metric, above=True)
        legend_below(figure, panels.flat[0], 2)

    caption = (
        f"Means over seeds; small dots are single seeds. The line across is the baseline,"
        f" {factor} = {setting(next(arm.levels[factor] for arm in arms if arm.is_baseline))}, with its own seeds at its"
        " level."
    )
    rows = -(-len(shown) // 2)
    size = (4.4 * min(2, len(shown)) + 0.8, 2.9 * rows + 0.5)
    return draw("levels", f"Along {factor}", caption, size, paint, 2.5 * len(shown) + 0.5)


def _panel(axes: Axes, arms: Sequence[Arm], numbers: Sequence[float], values: Sequence[ArmValues], colour: str) -> None:
    points = sorted(
        (x, list(arm_values.values.values()))
        for x, arm_values in zip(numbers, values, strict=True)
        if arm_values.values
    )
    for x, seeds in points:
        axes.plot([x] * len(seeds), seeds, "o", color=colour, ms=3, alpha=0.45, mew=0)
    means = [fmean(seeds) for _, seeds in points]
    axes.plot([x for x, _ in points], means, "-o", color=colour, lw=2, ms=6, mew=0, label="mean over seeds")
    for arm, arm_values in zip(arms, values, strict=True):
        if arm.is_baseline and arm_values.values:
            axes.axhline(fmean(arm_values.values.values()), color=MUTED, ls="--", lw=1.4, zorder=1, label="baseline")


def _level_axis(axes: Axes, numbers: Sequence[float]) -> None:
    """Ticks at the levels themselves, which are the only places where something was measured."""
    low, high = min(numbers), max(numbers)
    if low > 0 and high / low >= LOG_FROM:
        axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(sorted(set(numbers))))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(Numbers(form="g"))


def _levels(results: StudyResults) -> LazyFigure | None:
    ablation = results.study.ablation
    assert ablation is not None
    reported = {name for record in results.comparable for name in record.metrics}
    names = dict.fromkeys([results.metric.name, *matching(ablation.compare.also, reported)])
    measured = {results.declared.metric(name): results.measured(name) for name in names}
    return along(ablation.factors, results.arms, measured)


LEVELS = StudyFigure("levels", 40, _levels)
