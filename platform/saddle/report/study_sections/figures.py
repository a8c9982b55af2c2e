"""The study's figures."""

from __future__ import annotations

from saddle.report.blocks import Figures
from saddle.report.figure_registry import figures_of
from saddle.report.section import Section, left_out
from saddle.report.study_report import StudyReport


def page(report: StudyReport) -> list[Figures]:
    return [Figures(figures_of(report.results))]


FIGURES = Section("figures", "Figures", 120, page, left_out)
