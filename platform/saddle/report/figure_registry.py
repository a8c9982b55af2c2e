"""The figures that a study's report shows: those in the files of `saddle.report.figures`."""

from __future__ import annotations

from functools import lru_cache

import saddle.report.figures as folder
from saddle.analyse.study_results import StudyResults
from saddle.design import design_of
from saddle.report.drawing.canvas import LazyFigure
from saddle.report.study_figure import StudyFigure
from trainables.discovery import discover


@lru_cache(maxsize=1)
def study_figures() -> dict[str, StudyFigure]:
    """The figures of all kinds of studies by their names, in the order in which a report shows them."""
    figures = discover(folder, StudyFigure)
    return dict(sorted(figures.items(), key=lambda item: item[1].place))


def figures_of(results: StudyResults) -> list[LazyFigure]:
    """The figures of a study, those of its design included."""
    ablation = results.study.ablation
    kind = results.study.kind
    by_design = () if ablation is None else design_of(ablation).figures
    chosen = (figure for figure in study_figures().values() if kind in figure.of or figure.name in by_design)
    drawn = (figure.draw(results) for figure in chosen)
    return [figure for figure in drawn if figure is not None]
