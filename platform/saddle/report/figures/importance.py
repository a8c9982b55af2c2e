"""Which parameters matter, by two measures side by side."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from saddle.analyse.searches.importance import Importance, importance
from saddle.analyse.study_results import StudyResults
from saddle.analyse.text.formatting import label, listed, plural
from saddle.report.drawing.axes import category_axis, clean, legend_below, panel_row
from saddle.report.drawing.canvas import ACCENT, PALETTE, LazyFigure, draw, is_narrow, nothing
from saddle.report.study_figure import StudyFigure
from saddle.study.selection import objectives_of

MOST_ROWS = 20


def importances(by_objective: Mapping[str, Importance]) -> LazyFigure:
    """The share of each parameter in what separates the best third of trials, and in the variance."""
    title = "Importance of the parameters"
    drawn = {metric: result for metric, result in by_objective.items() if result.values}
    if not drawn:
        return nothing(
            "importance", title, next((result.reason for result in by_objective.values()), "no objective") + "."
        )
    both = any(result.variance for result in drawn.values())
    rows = min(max(len(result.values) for result in drawn.values()), MOST_ROWS)

    def paint(figure: Figure) -> None:
        panels = panel_row(figure, len(drawn))
        for axes, (metric, result) in zip(panels, drawn.items(), strict=True):
            names = list(result.values)[:MOST_ROWS]
            measures = {"among the best (PED-ANOVA)": (result.values, ACCENT)}
            if result.variance:
                measures["in the variance (fANOVA)"] = (result.variance, PALETTE[4])
            height = 0.6 / len(measures)
            for index, (measure, (shares, colour)) in enumerate(measures.items()):
                place = np.arange(len(names)) + (index - (len(measures) - 1) / 2) * height
                widths = [100 * shares.get(name, 0.0) for name in names]
                bars = axes.barh(place, widths, color=colour, height=height, label=measure)
                words = [f"{100 * shares[name]:.0f} %" if name in shares else "–" for name in names]
                axes.bar_label(bars, words, padding=4, fontsize=9)
            category_axis(axes, names, "y", 24)
            axes.invert_yaxis()
            room = 1.35 if is_narrow(figure) else 1.18  # for the words behind the longest bar
            axes.set_xlim(0, 100 * max([*result.values.values(), *result.variance.values(), 0.01]) * room)
            axes.grid(visible=False)
            axes.spines["bottom"].set_visible(False)
            axes.tick_params(axis="both", length=0, labelbottom=False)
            if len(panels) > 1:
                axes.set_title(clean(label(metric), 40))
        if both:
            legend_below(figure, panels[0], 2)

    height = 0.7 + (0.36 + 0.14 * both) * rows
    narrow_height = (height + 0.3) * len(drawn) + 0.2
    return draw("importance", title, _caption(drawn, both), (8.6, height), paint, narrow_height)


def _caption(by_objective: Mapping[str, Importance], both: bool) -> str:
    fewest = min(by_objective.values(), key=lambda result: result.trials)
    ended_early = [f"{fewest.stopped} stopped early"] * bool(fewest.stopped) + [f"{fewest.failed} failed"] * bool(
        fewest.failed
    )
    among = f" ({listed(ended_early)} among them)" if ended_early else ""
    caption = f"PED-ANOVA over {plural(fewest.trials, 'trial')}{among}: what separates the best third from the rest."
    if fewest.stopped:
        caption += (
            " A trial that was stopped early is compared with each other one at the last epoch that both reached."
        )
    if both:
        variance = "ranks in that order" if ended_early else "objective"
        caption += (
            f" fANOVA: each parameter's own share in the variance of the {variance} over the whole space, the bad"
            " regions included; a dash where not every trial has the parameter."
        )
    if any(result.rough for result in by_objective.values()):
        caption += " With so few trials this is a rough hint; the order may be due to chance."
    return caption


def _importances(results: StudyResults) -> LazyFigure:
    study, records = results.study, results.comparable
    objectives = objectives_of(study, results.declared)
    return importances({objective.name: importance(study, records, objective) for objective in objectives})


IMPORTANCE = StudyFigure("importance", 130, _importances, of=("search",))
