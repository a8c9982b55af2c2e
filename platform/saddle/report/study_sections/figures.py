"""The study's other figures."""

from __future__ import annotations

from saddle.report.blocks import Figures
from saddle.report.section import Section, left_out
from saddle.report.study_report import StudyReport


def page(report: StudyReport) -> list[Figures]:
    others = [figure for figure in report.figures if figure is not report.leading_figure]
    return [Figures(others)] if others else []


FIGURES = Section("figures", "Figures", 120, page, left_out)
