"""What the studies of a comparison ask, and what to be careful about."""

from __future__ import annotations

from saddle.analyse.study_comparison import StudyComparison
from saddle.report.blocks import Block, Fact, Facts, Listing
from saddle.report.section import Section, left_out


def questions(comparison: StudyComparison) -> list[Block]:
    facts = [Fact(view.name, [view.study.question]) for view in comparison.views if view.study.question]
    return [Facts(facts)] if facts else []


def cautions(comparison: StudyComparison) -> list[Block]:
    return [Listing(comparison.notes)] if comparison.notes else []


QUESTIONS = Section("questions", "", 10, questions, left_out)
CAUTIONS = Section("cautions", "Read with care", 20, cautions)
