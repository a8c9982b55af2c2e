"""What is compared: a row for each study."""

from __future__ import annotations

import time

from saddle.analyse.study_comparison import StudyComparison
from saddle.analyse.text.formatting import DASH, duration, label
from saddle.report.blocks import Table
from saddle.report.section import Section


def studies_table(comparison: StudyComparison) -> Table:
    """One row a study."""
    rows = []
    for view in comparison.views:
        ended = time.strftime("%Y-%m-%d %H:%M", time.localtime(view.ended)) if view.ended else DASH
        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(view.outcomes.items()))
        kind = "search" if view.study.ablation is None else "ablation"
        rows.append((view.name, kind, label(view.metric.name), outcomes or DASH, duration(view.seconds), ended))
    columns = ("study", "kind", "metric", "trials", "training", "last trial ended")
    return Table(columns, tuple(rows))


def blocks(comparison: StudyComparison) -> list[Table]:
    return [studies_table(comparison)]


STUDIES = Section("studies", "Studies", 40, blocks)
