"""What each study asks."""

from __future__ import annotations

from saddle.analyse.study_comparison import StudyComparison
from saddle.report.blocks import Block, Fact, Facts
from saddle.report.section import Section, left_out


def page(comparison: StudyComparison) -> list[Block]:
    questions = [Fact(view.name, [view.study.question]) for view in comparison.views if view.study.question]
    return [Facts(questions)] if questions else []


QUESTIONS = Section("questions", "", 10, page, left_out)
