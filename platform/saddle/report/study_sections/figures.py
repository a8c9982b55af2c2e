"""The study's figures."""

from __future__ import annotations

from saddle.report.blocks import Figures
from saddle.report.figure_registry import figures_of
from saddle.report.section import Section, left_out
from saddle.report.study_report import StudyReport

BESIDE_THE_ANSWER = "figure-relation"
"""Stands in a section of its own, before the tables."""


def page(report: StudyReport) -> list[Figures]:
    return [Figures([figure for figure in figures_of(report.results) if figure.id != BESIDE_THE_ANSWER])]


FIGURES = Section("figures", "Figures", 120, page, left_out)
