"""What to be careful about in reading the answer."""

from __future__ import annotations

from saddle.report.blocks import Block, Folded, Listing
from saddle.report.section import Section
from saddle.report.study_report import StudyReport

MOST_OPEN = 8
"""Of more cautions the others are folded: they tend to be of single arms."""


def page(report: StudyReport) -> list[Block]:
    first, others = report.answer.warnings[:MOST_OPEN], report.answer.warnings[MOST_OPEN:]
    if not others:
        return markdown(report)
    return [Listing(first), Folded(f"{len(others)} more", [Listing(others)])]


def markdown(report: StudyReport) -> list[Block]:
    return [Listing(report.answer.warnings)] if report.answer.warnings else []


CAUTIONS = Section("cautions", "Read with care", 10, page, markdown)
