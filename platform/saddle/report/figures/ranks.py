"""Mean ranks of arms: over the compared metric, and over the metric that they are paid with."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, stdev
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from saddle.analyse.arms.paired_values import ArmValues
from saddle.analyse.arms.ranks.ranked_arms import RankedArms
from saddle.analyse.study_results import StudyResults
from saddle.report.drawing.axes import clean, legend_below, metric_axis
from saddle.report.drawing.canvas import ACCENT, MUTED, PALETTE, LazyFigure, draw, hover, is_narrow
from saddle.report.study_figure import StudyFigure

PANEL, ABREAST = 2.9, 3
"""Inches of a panel, and the number of panels in a row."""


def rank_response(results: StudyResults) -> LazyFigure | None:
    """Each group's mean ranks over the compared metric, the arms in the order of the study joined by a line."""
    if not results.answer.ranked:
        return None
    compared = {arm.arm: arm for arm in results.measured(results.metric.name)}

    def paint(figure: Figure) -> None:
        panels = _panels(figure, len(results.answer.ranked))
        for axes, ranked in zip(panels, results.answer.ranked, strict=True):
            arms = [arm for arm in ranked.group.arms if arm.values and compared[arm.arm].values]
            places = [fmean(compared[arm.arm].values.values()) for arm in arms]
            axes.plot(places, [fmean(arm.values.values()) for arm in arms], "-", color=MUTED, lw=1)
            for index, (arm, place) in enumerate(zip(arms, places, strict=True)):
                _mark(axes, arm, place, _spread(compared[arm.arm]), PALETTE[index % len(PALETTE)])
            _rank_axis(axes, ranked)
            metric_axis(axes, results.metric, "x")
        legend_below(figure, panels[0], len(compared))

    caption = "Mean percentile rank by each group of metrics, 0 % being best, with standard deviations over seeds."
    title = "Ranks over the compared metric"
    return draw(
        "rank-response", title, caption, _size(len(results.answer.ranked)), paint, _narrow(len(results.answer.ranked))
    )


def rank_front(results: StudyResults) -> LazyFigure | None:
    """Each group's mean ranks over the metric that is paid with: the front as a line, the recommended arm ringed."""
    balances = [(ranked, ranked.balance) for ranked in results.answer.ranked if ranked.balance is not None]
    if not balances:
        return None

    def paint(figure: Figure) -> None:
        panels = _panels(figure, len(balances))
        for axes, (ranked, balance) in zip(panels, balances, strict=True):
            front = sorted((arm for arm in balance.arms if arm.on_front), key=lambda arm: arm.paid)
            axes.plot([arm.paid for arm in front], [arm.rank for arm in front], "-", color=ACCENT, lw=1)
            for index, arm in enumerate(balance.arms):
                look: dict[str, Any] = {} if arm.on_front else {"mfc": "none"}
                colour = PALETTE[index % len(PALETTE)]
                [mark] = axes.plot([arm.paid], [arm.rank], "o", color=colour, ms=7, label=clean(arm.arm, 20), **look)
                hover(mark, f"{arm.arm}: {arm.paid:.3g}, mean percentile rank {100 * arm.rank:.1f} %")
                if arm.arm == balance.recommended:
                    axes.plot([arm.paid], [arm.rank], "o", mfc="none", mec=ACCENT, ms=14, mew=1.6)
            _rank_axis(axes, ranked)
            metric_axis(axes, balance.paid, "x")
        legend_below(figure, panels[0], len(balances[0][1].arms))

    caption = (
        "Up is a better mean rank. The line joins the arms that no other betters in both; filled marks are on it, and a"
        " ring marks the arm that is recommended, where one is."
    )
    return draw("rank-front", "What a better rank costs", caption, _size(len(balances)), paint, _narrow(len(balances)))


def _panels(figure: Figure, count: int) -> list[Axes]:
    """Panels in rows of at most `ABREAST`, or below each other on a phone."""
    columns = 1 if is_narrow(figure) else min(count, ABREAST)
    panels = list(figure.subplots(-(-count // columns), columns, squeeze=False).flat)
    for spare in panels[count:]:
        spare.set_visible(False)
    return panels[:count]


def _mark(axes: Axes, arm: ArmValues, place: float, spread: float, colour: str) -> None:
    values = list(arm.values.values())
    mean, deviation = fmean(values), stdev(values) if len(values) > 1 else 0.0
    look: dict[str, Any] = {"color": colour, "ms": 6, "lw": 1, "label": clean(arm.arm, 20)}
    bars = axes.errorbar([place], [mean], yerr=[deviation], xerr=[spread], fmt="o", **look)
    hover(bars.lines[0], f"{arm.arm}: {place:.3g}, mean percentile rank {100 * mean:.1f} ± {100 * deviation:.1f} %")


def _rank_axis(axes: Axes, ranked: RankedArms) -> None:
    metric_axis(axes, ranked.group.metric, "y", title="")
    axes.set_title(ranked.group.name, loc="left")
    axes.set_ylim(1.0, 0.0)
    axes.margins(x=0.15)
    axes.set_ylabel("mean percentile rank (%)")


def _spread(arm: ArmValues) -> float:
    values: Sequence[float] = list(arm.values.values())
    return stdev(values) if len(values) > 1 else 0.0


def _size(count: int) -> tuple[float, float]:
    return PANEL * max(1.5, min(count, ABREAST)), 0.5 + PANEL * -(-count // ABREAST)


def _narrow(count: int) -> float:
    return 0.6 + 2.7 * count


RANK_RESPONSE = StudyFigure("rank_response", 12, rank_response, of=("ablation",))
RANK_FRONT = StudyFigure("rank_front", 14, rank_front, of=("ablation",))
