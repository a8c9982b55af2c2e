"""A design of two factors at a glance: whether the effect of one factor depends on the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from saddle.analyse.arms.paired_values import ArmValues
from saddle.analyse.study_results import StudyResults
from saddle.analyse.text.formatting import setting
from saddle.design import Arm
from saddle.report.drawing.axes import category_axis, clean, legend_below, metric_axis, style_of
from saddle.report.drawing.canvas import LazyFigure, draw
from saddle.report.study_figure import StudyFigure
from saddle.study.values import canonical
from trainables.contract import Metric

MOST_LEVELS = 8


def interaction(
    factors: Mapping[str, Sequence[Any]], arms: Sequence[Arm], measured: Sequence[ArmValues], metric: Metric
) -> LazyFigure | None:
    """Means over seeds with a line for each level of the second factor; None for other designs, or without values."""
    if len(factors) != 2 or any(len(levels) > MOST_LEVELS for levels in factors.values()):
        return None
    (first, across), (second, lines) = factors.items()
    values = {
        (canonical(arm.levels.get(first)), canonical(arm.levels.get(second))): list(arm_values.values.values())
        for arm, arm_values in zip(arms, measured, strict=True)
    }
    if not any(values.values()):
        return None

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        shift = 0.05 * (np.arange(len(lines)) - (len(lines) - 1) / 2)
        for index, level in enumerate(lines):
            cells = [values.get((canonical(across_level), canonical(level)), []) for across_level in across]
            places = [place for place, numbers in enumerate(cells) if numbers]
            if not places:
                continue
            colour, style = style_of(index)
            means = [float(np.mean(cells[place])) for place in places]
            x = [place + shift[index] for place in places]
            axes.plot(
                x,
                means,
                style,
                marker="o",
                color=colour,
                lw=2,
                ms=7,
                mew=0,
                label=clean(f"{second} = {setting(level)}"),
            )
            for place, at in zip(places, x, strict=True):
                axes.plot([at] * len(cells[place]), cells[place], "o", color=colour, ms=3, alpha=0.45, mew=0)
        category_axis(axes, [setting(level) for level in across], length=20)
        axes.set_xlim(-0.4, len(across) - 0.6)
        axes.set_xlabel(clean(first))
        metric_axis(axes, metric)
        legend_below(figure, axes, len(lines))

    caption = (
        f"Means over seeds; small dots are single seeds. Parallel lines mean that {first} has the same effect for any"
        f" {second}; the test of that is the row “interaction” of the results."
    )
    return draw("interaction", f"{first} and {second} together", caption, (5.6, 3.8), paint, 3.4)


def _interaction(results: StudyResults) -> LazyFigure | None:
    ablation, metric = results.study.ablation, results.metric
    assert ablation is not None
    return interaction(ablation.factors, results.arms, results.measured(metric.name), metric)


INTERACTIONS = StudyFigure("interactions", 30, _interaction)
