"""The report of a study as one HTML page that fetches nothing."""

from __future__ import annotations

import saddle.report.study_sections as study_sections
from saddle.analyse.arms.verdict import Verdict
from saddle.analyse.result import Answer
from saddle.report.page import render_page
from saddle.report.section import page_parts, sections_of
from saddle.report.study_report import StudyReport


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


def tone(answer: Answer) -> str:
    """The colour of the answer: good, bad, mixed, or plain where nothing is shown."""
    verdicts = {effect.verdict for effect in answer.effects}
    good, bad = Verdict.HELPS in verdicts, bool(verdicts & {Verdict.HURTS, Verdict.FAILS})
    return "mixed" if good and bad else "good" if good else "bad" if bad else "plain"
