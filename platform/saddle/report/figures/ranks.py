"""Mean ranks of arms: over the compared metric, and over what they are paid with."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, stdev

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from saddle.analyse.arms.paired_values import ArmValues
from saddle.analyse.arms.ranked_arms import RankedArms
from saddle.analyse.study_results import StudyResults
from saddle.report.drawing.axes import clean, metric_axis, panel_row
from saddle.report.drawing.canvas import ACCENT, MUTED, PALETTE, LazyFigure, draw, hover, is_narrow
from saddle.report.study_figure import StudyFigure

PANEL = 3.0
"""Inches of a panel."""


def rank_response(results: StudyResults) -> LazyFigure | None:
    """Each group's mean ranks over the compared metric, the arms in the order of the study joined by a line."""
    if not results.ranked:
        return None
    compared = {arm.arm: arm for arm in results.measured(results.metric.name)}

    def paint(figure: Figure) -> None:
        for axes, ranked in zip(panel_row(figure, len(results.ranked)), results.ranked, strict=True):
            arms = [arm for arm in ranked.group.arms if arm.values and compared[arm.arm].values]
            places = [fmean(compared[arm.arm].values.values()) for arm in arms]
            axes.plot(places, [fmean(arm.values.values()) for arm in arms], "-", color=MUTED, lw=1)
            for index, (arm, place) in enumerate(zip(arms, places, strict=True)):
                _mark(axes, arm, place, _spread(compared[arm.arm]), PALETTE[index % len(PALETTE)])
            _rank_axis(axes, ranked, figure)
            metric_axis(axes, results.metric, "x")

    caption = "Mean percentile rank by each group of metrics, 0 % being best, with standard deviations over seeds."
    return draw(
        "rank-response", "Ranks over the compared metric", caption, _size(results), paint, 2.7 * _count(results)
    )


def rank_front(results: StudyResults) -> LazyFigure | None:
    """Each group's mean ranks over what is paid with: the front as a line, and the recommended arm ringed."""
    balanced = [ranked for ranked in results.ranked if ranked.balance is not None]
    if not balanced:
        return None

    def paint(figure: Figure) -> None:
        for axes, ranked in zip(panel_row(figure, len(balanced)), balanced, strict=True):
            balance = ranked.balance
            assert balance is not None
            front = sorted((arm for arm in balance.arms if arm.on_front), key=lambda arm: arm.paid)
            axes.plot([arm.paid for arm in front], [arm.rank for arm in front], "-", color=ACCENT, lw=1)
            for index, arm in enumerate(balance.arms):
                look = {"mec": "none"} if arm.on_front else {"mfc": "none"}
                [mark] = axes.plot([arm.paid], [arm.rank], "o", color=PALETTE[index % len(PALETTE)], ms=7, **look)
                hover(mark, f"{arm.arm}: {arm.paid:.3g}, mean percentile rank {100 * arm.rank:.1f} %")
                _name(axes, arm.arm, arm.paid, arm.rank)
                if arm.arm == balance.recommended:
                    axes.plot([arm.paid], [arm.rank], "o", mfc="none", mec=ACCENT, ms=14, mew=1.6)
            _rank_axis(axes, ranked, figure)
            metric_axis(axes, balance.paid, "x")

    caption = (
        "Up is a better mean rank. The line joins the arms that no other betters in both; filled marks are on it, and a"
        " ring marks the arm that is recommended, where one is."
    )
    return draw("rank-front", "What a better rank costs", caption, _size(results), paint, 2.7 * _count(results))


def _mark(axes: Axes, arm: ArmValues, place: float, spread: float, colour: str) -> None:
    values = list(arm.values.values())
    mean, deviation = fmean(values), stdev(values) if len(values) > 1 else 0.0
    bars = axes.errorbar([place], [mean], yerr=[deviation], xerr=[spread], fmt="o", color=colour, ms=6, lw=1)
    hover(bars.lines[0], f"{arm.arm}: {place:.3g}, mean percentile rank {100 * mean:.1f} ± {100 * deviation:.1f} %")
    _name(axes, arm.arm, place, mean)


def _name(axes: Axes, arm: str, x: float, y: float) -> None:
    axes.annotate(clean(arm, 20), (x, y), xytext=(6, 5), textcoords="offset points", fontsize=8)


def _rank_axis(axes: Axes, ranked: RankedArms, figure: Figure) -> None:
    metric_axis(axes, ranked.group.metric, "y", title="")
    axes.set_title(ranked.group.name, loc="left")
    axes.set_ylim(1.0, 0.0)
    axes.margins(x=0.25 if is_narrow(figure) else 0.2)
    axes.set_ylabel("mean percentile rank (%)")


def _spread(arm: ArmValues) -> float:
    values: Sequence[float] = list(arm.values.values())
    return stdev(values) if len(values) > 1 else 0.0


def _count(results: StudyResults) -> int:
    return max(1, len(results.ranked))


def _size(results: StudyResults) -> tuple[float, float]:
    return max(4.0, PANEL * _count(results)), 3.3


RANK_RESPONSE = StudyFigure("rank_response", 12, rank_response, of=("ablation",))
RANK_FRONT = StudyFigure("rank_front", 14, rank_front, of=("ablation",))
