"""What to be careful about in reading the answer."""

from __future__ import annotations

from saddle.report.blocks import Listing
from saddle.report.section import Section
from saddle.report.study_report import StudyReport


def blocks(report: StudyReport) -> list[Listing]:
    return [Listing(report.answer.warnings)] if report.answer.warnings else []


CAUTIONS = Section("cautions", "Read with care", 10, blocks)
