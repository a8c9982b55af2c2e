"""What to be careful about."""

from __future__ import annotations

from saddle.analyse.study_comparison import StudyComparison
from saddle.report.blocks import Block, Listing
from saddle.report.section import Section


def blocks(comparison: StudyComparison) -> list[Block]:
    return [Listing(comparison.notes)] if comparison.notes else []


CAUTIONS = Section("cautions", "Read with care", 20, blocks)
