"""What to be careful about in reading the answer."""

from __future__ import annotations

from saddle.report.blocks import Block, Folded, Listing
from saddle.report.section import Section
from saddle.report.study_report import StudyReport

MOST_OPEN = 8
"""Further cautions are folded: they tend to be about single arms."""


def page(report: StudyReport) -> list[Block]:
    warnings, grown = report.answer.warnings, report.answer.grown
    others = [warning for warning in warnings[MOST_OPEN:] if warning not in grown]
    if not others:
        return markdown(report)
    shown = [warning for warning in warnings if warning not in others]
    return [Listing(shown), Folded(f"{len(others)} more", [Listing(others)])]


def markdown(report: StudyReport) -> list[Block]:
    return [Listing(report.answer.warnings)] if report.answer.warnings else []


CAUTIONS = Section("cautions", "Read with care", 10, page, markdown)
