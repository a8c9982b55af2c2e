"""The figure that shows the answer, right below it."""

from __future__ import annotations

from saddle.report.blocks import Figures
from saddle.report.section import Section, left_out
from saddle.report.study_report import StudyReport


def page(report: StudyReport) -> list[Figures]:
    leading = report.leading_figure
    return [] if leading is None else [Figures([leading])]


LEADING_FIGURE = Section("leading-figure", "", 5, page, left_out)
