"""The figure of a relation: each unit's gain against the predictor, with the lines and their bands."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from saddle.analyse.relations.findings import Findings
from saddle.analyse.relations.line import FamilyLine
from saddle.analyse.relations.unit import UnitEstimate
from saddle.analyse.study_results import StudyResults
from saddle.analyse.text.formatting import label, setting
from saddle.report.drawing.axes import Changes, Numbers, clean, legend_below, style_of
from saddle.report.drawing.canvas import INK, MUTED, LazyFigure, draw, hover, nothing
from saddle.report.study_figure import StudyFigure

TITLE = "Gain against predictor"
MARKERS = "osD^vP"
SMALLEST, LARGEST = 5.0, 12.0
"""Sizes of markers, in points: that of the least and of the most precise unit."""
STEPS = 40


def relation_figure(findings: Findings) -> LazyFigure:
    """The units by family, the more precise ones larger, each with its interval; published points as crosses."""
    answer = findings.answer
    if not answer.units:
        return nothing("relation", TITLE, "No unit has both a gain and its predictor yet.")
    families = list(answer.families)
    lines = {line.family: line for line in answer.fitted.lines} if answer.fitted is not None else {}

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        axes.axhline(0, color=INK, lw=1)
        for index, family in enumerate(families):
            colour = style_of(index)[0]
            members = [unit for unit in answer.units if unit.family == family]
            if family in lines:
                _draw_line(axes, lines[family], colour)
            _draw_units(axes, findings, members, colour, MARKERS[index % len(MARKERS)], clean(family))
        if findings.published:
            _draw_published(axes, findings)
        axes.margins(x=0.08)
        axes.xaxis.set_major_formatter(Numbers(form=".4g"))
        axes.yaxis.set_major_formatter(Changes(findings.written))
        axes.set_xlabel(clean(label(answer.predictor), 60))
        axes.set_ylabel(f"gain{findings.written.difference_unit}")
        legend_below(figure, axes, len(families) + bool(findings.published))

    return draw("relation", TITLE, _caption(findings), (7.0, 4.6), paint, 4.0)


def _caption(findings: Findings) -> str:
    answer = findings.answer
    level = f"{100 * (1 - answer.alpha):.4g} %"
    parts = [
        f"Each point is a unit: {findings.gain}, with the {level} interval of its mean; the larger, the more precise."
    ]
    if answer.fitted is not None:
        common = ", with one slope within families," if answer.within_families else ""
        parts.append(
            f"The line{common} is the random-effects regression; the inner band is its {level} interval, the outer one"
            " that in which the true gain of a further unit is expected."
        )
    if findings.published:
        parts.append("Crosses are published values, which take no part.")
    return " ".join(parts)


def _draw_line(axes: Axes, line: FamilyLine, colour: str) -> None:
    ends = (line.least_x, line.largest_x)
    points = [line.at(float(x)) for x in np.linspace(*ends, STEPS)]
    x = [point.x for point in points]
    axes.plot(x, [point.y for point in points], color=colour, lw=1.6)
    if not math.isnan(points[0].low):
        axes.fill_between(
            x, [p.predicted_low for p in points], [p.predicted_high for p in points], color=colour, alpha=0.07, lw=0
        )
        axes.fill_between(x, [p.low for p in points], [p.high for p in points], color=colour, alpha=0.15, lw=0)


def _draw_units(
    axes: Axes, findings: Findings, members: Sequence[UnitEstimate], colour: str, marker: str, name: str
) -> None:
    weights = [unit.weight for unit in findings.answer.units]
    largest = max((weight for weight in weights if not math.isnan(weight)), default=1.0)
    for place, unit in enumerate(members):
        if unit.low is not None and unit.high is not None:
            axes.plot([unit.x, unit.x], [unit.low, unit.high], color=colour, lw=1.2, alpha=0.8)
        share = 1.0 if math.isnan(unit.weight) else unit.weight / largest
        size = SMALLEST + (LARGEST - SMALLEST) * math.sqrt(share)
        label: dict[str, Any] = {"label": name} if place == 0 else {}
        [point] = axes.plot([unit.x], [unit.y], marker, color=colour, ms=size, alpha=0.85, mew=0, **label)
        interval = findings.written.interval(unit.low, unit.high)
        hover(
            point,
            f"{unit.name} ({unit.family}): {findings.written.difference(unit.y)}, interval {interval}, at"
            f" {setting(unit.x)}; {unit.seeds} seeds",
        )


def _draw_published(axes: Axes, findings: Findings) -> None:
    for place, point in enumerate(findings.published):
        label: dict[str, Any] = {"label": "published"} if place == 0 else {}
        [cross] = axes.plot([point.x], [point.y], "x", color=MUTED, ms=8, mew=2, **label)
        hover(cross, f"published, {point.unit}: {findings.written.difference(point.y)} at {setting(point.x)}")


def _relation(results: StudyResults) -> LazyFigure | None:
    findings = results.answer.relation
    return None if findings is None else relation_figure(findings)


RELATION = StudyFigure("relation", 5, _relation, of=("relation",))
