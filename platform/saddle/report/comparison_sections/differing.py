"""In what the studies differ."""

from __future__ import annotations

from saddle.analyse.study_comparison import StudyComparison
from saddle.analyse.text.formatting import DASH
from saddle.report.blocks import Table
from saddle.report.section import Section

MOST_DIFFERENCES = 60


def differing_table(comparison: StudyComparison) -> Table:
    """Parameters and fingerprints that are not the same in all studies."""
    names = list(comparison.differing)
    rows = [(name, *(value or DASH for value in comparison.differing[name])) for name in names[:MOST_DIFFERENCES]]
    left = len(names) - MOST_DIFFERENCES
    note = "“…” where a study's own trials differ." + (f" {left} more are not shown." if left > 0 else "")
    return Table(("", *(view.name for view in comparison.views)), tuple(rows), note)


def blocks(comparison: StudyComparison) -> list[Table]:
    return [differing_table(comparison)] if comparison.differing else []


DIFFERING = Section("differing", "What differs", 70, blocks)
