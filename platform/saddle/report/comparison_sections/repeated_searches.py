"""What searches reach if they are repeated with other seeds of their sampler."""

from __future__ import annotations

from statistics import fmean, stdev

import numpy as np
from matplotlib.figure import Figure

from saddle.analyse.searches.repeated_searches import RepeatedSearches, repeated_searches
from saddle.analyse.statistics.attainment import attainment_surfaces
from saddle.analyse.study_comparison import StudyComparison
from saddle.analyse.text.formatting import DASH, label, percent
from saddle.report.blocks import Block, Figures, Table
from saddle.report.drawing.axes import legend_below, metric_axis, style_of
from saddle.report.drawing.canvas import LazyFigure, draw
from saddle.report.drawing.surfaces import draw_surfaces
from saddle.report.section import Section

TITLE = "Front over repeated searches"


def page(comparison: StudyComparison) -> list[Block]:
    """A table and a figure for each group of repetitions."""
    blocks: list[Block] = []
    for place, group in enumerate(repeated_searches(comparison.views)):
        blocks += [Figures([attainment_figure(group, f"repeated-searches-{place}")]), table(group)]
    return blocks


def markdown(comparison: StudyComparison) -> list[Block]:
    return [table(group) for group in repeated_searches(comparison.views)]


def table(group: RepeatedSearches) -> Table:
    """How much of the box each search dominates, and what they do together."""
    rows = [
        (name, str(len(points)), DASH if np.isnan(share) else percent(share))
        for name, points, share in zip(group.names, group.points, group.shares, strict=True)
    ]
    finite = [share for share in group.shares if not np.isnan(share)]
    if len(finite) > 1:
        rows.append((f"mean ± sd of {len(finite)}", DASH, f"{percent(fmean(finite))} ± {100 * stdev(finite):.1f}"))
    note = (
        "What a search’s front dominates of the box between the objectives’ references (else the worst of all fronts)"
        f" and the best that any of these searches reached in {label(group.metrics[0].name)} and"
        f" {label(group.metrics[1].name)}. The searches differ only in the seed of their sampler; every trial"
        " has one seed of training."
    )
    return Table(("search", "trials on its front", "dominated"), tuple(rows), note)


def attainment_figure(group: RepeatedSearches, identifier: str = "repeated-searches") -> LazyFigure:
    """The surfaces that one search, half of them and every one attains, and the fronts' points."""
    count = len(group.points)
    counts = list(dict.fromkeys((1, -(-count // 2), count)))
    surfaces = attainment_surfaces(group.costs, counts)

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        draw_surfaces(
            axes, group.metrics, surfaces, [_legend(attaining, count) for attaining in counts], np.vstack(group.points)
        )
        for place, points in enumerate(group.points):
            axes.plot(points[:, 0], points[:, 1], "o", color=style_of(place)[0], ms=3.2, alpha=0.6, mew=0)
        metric_axis(axes, group.metrics[0], "x")
        metric_axis(axes, group.metrics[1], "y")
        axes.margins(0.05)
        legend_below(figure, axes, len(counts))

    split = "test data, which chose no front" if group.metrics[0].split == "test" else "the data that chose the fronts"
    caption = (
        f"The lines bound what at least so many of {count} searches reach on {split}; a search attains all that a trial"
        " of its front equals or betters. Dots are the fronts’ trials, one colour per search."
    )
    return draw(identifier, TITLE, caption, (5.6, 4.2), paint, 3.6)


def _legend(count: int, searches: int) -> str:
    if count == searches:
        return f"every one of {searches} searches"
    return "the best of any search" if count == 1 else f"{count} of {searches} searches"


REPEATED = Section("repeated_searches", TITLE, 33, page, markdown)
