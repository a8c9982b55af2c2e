"""The report of a study as one HTML page that fetches nothing."""

from __future__ import annotations

import saddle.report.study_sections as study_sections
from saddle.report.page import render_page
from saddle.report.section import page_parts, sections_of
from saddle.report.study_report import StudyReport
from saddle.report.tone import tone


def render(report: StudyReport) -> str:
    """The page's HTML."""
    return render_page(
        "study.html",
        title=report.run.name,
        report=report,
        tone=tone(report.answer),
        badges=report.badges,
        parts=page_parts(sections_of(study_sections), report),
    )
